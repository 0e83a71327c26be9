// Vectors beside many processes: what is committed is the nearest to itself in the next read of
// every process, what is rolled back or removed never is, while others fold and merge.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/killed_writer.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

constexpr size_t kDimension = 48;

Embedding embedding_of(int writer, int number) {
  std::mt19937 engine(static_cast<uint32_t>(writer * 10'000 + number));
  std::normal_distribution<float> normal;
  Embedding embedding{"drawn", "1", std::vector<float>(kDimension)};
  for (float& value : embedding.values) value = normal(engine) + 1;
  return embedding;
}

// The nearest one's content, where it is as good as the same.
std::string same(const Space& space, const Embedding& embedding) {
  RecallQuery query;
  query.limit = 1;
  query.vector = RecallVector();
  query.vector->values = embedding.values;
  const auto hits = space.recall(query);
  EXPECT_TRUE(hits) << hits.status().to_string();
  if (!hits || hits->empty() || hits->front().similarity < 0.999) return "";
  return hits->front().observation.content;
}

void write_and_look(const std::string& path, int writer, int count) {
  Store store = open_or_die(path);
  const Space space = *store.space("crowd");
  for (int number = 0; number < count; ++number) {
    NewObservation observation;
    observation.content = std::to_string(writer) + "/" + std::to_string(number);
    observation.embedding = embedding_of(writer, number);
    if (number % 4 == 3) {
      auto transaction = store.begin();
      ASSERT_TRUE(transaction);
      ASSERT_TRUE(space.observations(*transaction).add(observation));
      transaction->abort();
      ASSERT_EQ(same(space, *observation.embedding), "") << "it was rolled back";
      continue;
    }
    const auto id = space.observations().add(observation);
    ASSERT_TRUE(id) << id.status().to_string();
    ASSERT_EQ(same(space, *observation.embedding), observation.content);
    if (number % 4 == 1) {
      ASSERT_TRUE(space.observations().remove(*id));
      ASSERT_EQ(same(space, *observation.embedding), "") << "it was removed";
    }
    if (number % 4 == 2) {
      ASSERT_TRUE(space.observations().forget(*id));
      ASSERT_EQ(same(space, *observation.embedding), "") << "it was forgotten";
      ASSERT_TRUE(space.observations().restore(*id));
      ASSERT_EQ(same(space, *observation.embedding), observation.content);
    }
  }
  EXPECT_TRUE(store.close());
}

TEST(Vectors, WhatIsCommittedIsTheNearestToItselfAndWhatIsGoneIsNot) {
  constexpr int kWriters = 3;
  constexpr int kCount = 160;
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/store";
  {
    Store store = open_or_die(path);
    const Space other = *store.space("other");
    ASSERT_TRUE(
        other.observations().add({.content = "of another space", .embedding = embedding_of(0, 0)}));
    ASSERT_TRUE(store.close());
  }
  std::vector<ChildProcess> children;
  for (int writer = 0; writer < kWriters; ++writer) {
    children.push_back(ChildProcess::start([&] { write_and_look(path, writer, kCount); }));
  }
  for (ChildProcess& child : children) EXPECT_EQ(child.wait(), ChildProcess::kSuccess);

  Store store = open_or_die(path);
  const Space space = *store.space("crowd");
  const auto check = [&] {
    for (int writer = 0; writer < kWriters; ++writer) {
      for (int number = 0; number < kCount; ++number) {
        const bool is_there = number % 4 == 0 || number % 4 == 2;
        const std::string content = std::to_string(writer) + "/" + std::to_string(number);
        ASSERT_EQ(same(space, embedding_of(writer, number)), is_there ? content : "");
      }
    }
  };
  check();
  ASSERT_TRUE(space.observations().reindex());
  check();
  EXPECT_TRUE(store.close());
}

TEST(Vectors, AWriterKilledWhileItFoldsLeavesAWholeIndex) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/store";
  constexpr int kBatch = 20;
  uint64_t least = 0;
  for (int round = 0; round < 4; ++round) {
    const int batches = 12 + round;
    add_until_killed(path, batches, [&](int number) {
      std::vector<NewObservation> batch(kBatch);
      for (int i = 0; i < kBatch; ++i) {
        batch[i].content = "text";
        batch[i].embedding = embedding_of(round, number * kBatch + i);
      }
      return batch;
    });
    least += static_cast<uint64_t>(batches) * kBatch;
    Store store = open_or_die(path);
    const Space space = *store.space("crowd");
    const uint64_t count = *space.observations().count();
    EXPECT_GE(count, least);
    least = count;
    RecallQuery query;
    query.limit = kRecallLimitMax;
    query.vector = RecallVector();
    query.vector->values = embedding_of(round, 7).values;
    const auto hits = space.recall(query);
    ASSERT_TRUE(hits) << hits.status().to_string();
    EXPECT_EQ(hits->size(), std::min<uint64_t>(count, kRecallLimitMax));
    EXPECT_GT(*hits->front().similarity, 0.999);
    EXPECT_TRUE(store.check()->problems.empty());
  }
}

// What a writer has said of its observation `number`.
struct Said {
  int32_t writer = 0;
  int32_t number = 0;
  bool is_gone = false;
};

// Adds by turns an observation with its vector, one whose vector comes later and is then replaced,
// one that is removed, and one that is forgotten.
void write_and_tell(const std::string& path, int writer, Channel& told) {
  Store store = open_or_die(path);
  const Space space = *store.space("crowd");
  for (int number = 0;; ++number) {
    NewObservation observation;
    observation.content = std::to_string(writer) + "/" + std::to_string(number);
    if (number % 4 != 1) observation.embedding = embedding_of(writer, number);
    const auto id = space.observations().add(observation);
    ASSERT_TRUE(id) << id.status().to_string();
    if (number % 4 == 1) {
      ASSERT_TRUE(store.update([&](Transaction& txn) -> Status {
        const Vectors vectors = space.vectors(txn);
        HOLDFAST_TRY(vectors.put(kMainVectorSpace, *id, embedding_of(writer, -1)));
        return vectors.put(kMainVectorSpace, *id, embedding_of(writer, number));
      }));
    }
    if (number % 4 == 2) {
      ASSERT_TRUE(space.observations().remove(*id));
    }
    if (number % 4 == 3) {
      ASSERT_TRUE(space.observations().forget(*id));
    }
    const Said said{writer, number, number % 4 >= 2};
    told.send({reinterpret_cast<const char*>(&said), sizeof(said)});
  }
}

TEST(Vectors, WhatSixteenWroteIsTheNearestToItselfThoughAllWereKilled) {
  constexpr int kWriters = 16;
  constexpr int kBetween = 25;
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/store";
  {
    Store store = open_or_die(path);
    ASSERT_TRUE(store.space("crowd")->vectors().define(
        kMainVectorSpace, {.dimension = kDimension, .model = "drawn", .model_version = "1"}));
  }
  Channel told;
  std::vector<ChildProcess> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.push_back(ChildProcess::start([&, writer] { write_and_tell(path, writer, told); }));
  }
  told.close_sending();
  std::string all;
  for (ChildProcess& writer : writers) {
    const auto bytes = told.receive(kBetween * sizeof(Said));
    ASSERT_TRUE(bytes);
    all += *bytes;
    writer.kill();
    EXPECT_NE(writer.wait().signal, 0);
  }
  all += told.receive_all();
  Store store = open_or_die(path);
  const Space space = *store.space("crowd");
  ASSERT_TRUE(space.kv().put("settled", ""));
  const auto check = [&] {
    for (size_t at = 0; at + sizeof(Said) <= all.size(); at += sizeof(Said)) {
      Said said;
      std::memcpy(&said, all.data() + at, sizeof(said));
      const std::string content = std::to_string(said.writer) + "/" + std::to_string(said.number);
      ASSERT_EQ(same(space, embedding_of(said.writer, said.number)), said.is_gone ? "" : content);
    }
    for (int writer = 0; writer < kWriters; ++writer) {
      EXPECT_EQ(same(space, embedding_of(writer, -1)), "") << "it was replaced";
    }
  };
  check();
  ASSERT_TRUE(space.observations().reindex());
  check();
  EXPECT_TRUE(store.check()->problems.empty());
}

// Writes down what it has embedded.
class NotingEmbedder final : public Embedder {
 public:
  explicit NotingEmbedder(Channel& notes) : notes_(notes) {}
  std::string_view model() const override { return "noting"; }
  std::string_view model_version() const override { return "1"; }
  Result<uint32_t> dimension() override { return 2; }
  double vector_weight() const override { return 0.5; }
  Result<std::vector<Values>> embed(std::span<const std::string> texts) override {
    std::vector<Values> all;
    for (const std::string& text : texts) {
      notes_.send(text);
      all.push_back({1, std::strtof(text.c_str(), nullptr)});
    }
    return all;
  }

 private:
  Channel& notes_;
};

TEST(Vectors, ManyProcessesEmbedEverythingOnce) {
  constexpr int kTexts = 300;
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/store";
  {
    Store store = open_or_die(path);
    const Space space = *store.space("crowd");
    std::vector<NewObservation> observations(kTexts);
    for (int i = 0; i < kTexts; ++i) observations[i].content = std::to_string(1'000 + i);
    ASSERT_TRUE(space.observations().add_all(observations));
    ASSERT_TRUE(store.close());
  }
  Channel notes;
  Gate gate;
  std::vector<ChildProcess> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(ChildProcess::start([&] {
      Store store = open_or_die(path);
      NotingEmbedder embedder(notes);
      Filler filler(*store.space("crowd"), embedder, {.batch = 7});
      ASSERT_TRUE(filler.begin());
      gate.pass();
      for (bool is_over = false; !is_over;) {
        const auto step = filler.step();
        ASSERT_TRUE(step) << step.status().to_string();
        is_over = step->is_over;
      }
      EXPECT_TRUE(store.close());
    }));
  }
  gate.open_for(4);
  for (ChildProcess& child : children) EXPECT_EQ(child.wait(), ChildProcess::kSuccess);
  notes.close_sending();
  const std::string embedded = notes.receive_all();
  std::set<std::string> texts;
  for (size_t at = 0; at + 4 <= embedded.size(); at += 4) texts.insert(embedded.substr(at, 4));
  EXPECT_EQ(texts.size(), kTexts);
  EXPECT_EQ(embedded.size(), 4 * kTexts) << "something was embedded twice";
  Store store = open_or_die(path);
  EXPECT_TRUE(store.space("crowd")->vectors().missing(kMainVectorSpace)->empty());
}

}  // namespace
}  // namespace holdfast
