// The text index beside many processes: what is committed is found by the next read of every
// process, what is rolled back or removed never, while others fold and merge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/killed_writer.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

// Consonants only: nothing that the analysis would cut or stem.
std::string own_word(int writer, int number) {
  std::string word = "x";
  for (const char digit : std::to_string(writer) + "/" + std::to_string(number)) {
    word += digit == '/' ? 'z' : "bcdfghjklm"[digit - '0'];
  }
  return word + "q";
}

NewObservation observation_of(int writer, int number) {
  NewObservation observation;
  observation.content = "common text of number" + std::to_string(number % 7) + " " +
                        own_word(writer, number) + " and what else is said";
  observation.tags = {"writer" + std::to_string(writer)};
  return observation;
}

// Ids of all hits, best first.
std::vector<std::string> found(const Space& space, RecallQuery query) {
  query.as_typed = true;  // what has gone must not be read as what is spelt alike
  const auto hits = space.recall(query);
  EXPECT_TRUE(hits) << hits.status().to_string();
  std::vector<std::string> ids;
  if (!hits) return ids;
  for (const RecallHit& hit : *hits) ids.push_back(hit.observation.id);
  return ids;
}

// Adds, edits, removes and rolls back, and looks at once for what it did.
void write_and_look(const std::string& path, int writer, int count) {
  Store store = open_or_die(path);
  const Space space = *store.space("crowd");
  for (int number = 0; number < count; ++number) {
    const NewObservation observation = observation_of(writer, number);
    const auto id = space.observations().add(observation);
    ASSERT_TRUE(id) << id.status().to_string();
    const std::string word = own_word(writer, number);
    ASSERT_EQ(found(space, {.text = word}), std::vector<std::string>{*id});
    if (number % 5 == 1) {
      ASSERT_TRUE(space.observations().edit(*id, {.content = "common edited" + word}));
      ASSERT_TRUE(found(space, {.text = word}).empty());
      ASSERT_EQ(found(space, {.text = "edited" + word}), std::vector<std::string>{*id});
    }
    if (number % 5 == 2) {
      ASSERT_TRUE(space.observations().remove(*id));
      ASSERT_TRUE(found(space, {.text = word}).empty());
    }
    if (number % 5 == 3) {
      ASSERT_TRUE(space.observations().forget(*id));
      ASSERT_TRUE(found(space, {.text = word}).empty());
    }
    if (number % 5 == 4) {
      auto transaction = store.begin();
      ASSERT_TRUE(transaction);
      NewObservation undone = observation;
      undone.content += " undone" + word;
      ASSERT_TRUE(space.observations(*transaction).add(undone));
      transaction->abort();
      ASSERT_TRUE(found(space, {.text = "undone" + word}).empty());
    }
  }
  EXPECT_TRUE(store.close());
}

TEST(Search, WhatIsCommittedIsFoundAndWhatIsRemovedIsNot) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/store";
  constexpr int kWriters = 4;
  constexpr int kCount = 150;
  std::vector<ChildProcess> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.push_back(ChildProcess::start([&] { write_and_look(path, writer, kCount); }));
  }
  for (ChildProcess& writer : writers) EXPECT_EQ(writer.wait(), ChildProcess::kSuccess);

  Store store = open_or_die(path);
  const Space space = *store.space("crowd");
  const auto common = found(space, {.text = "common", .limit = kRecallLimitMax});
  const std::set<std::string> distinct(common.begin(), common.end());
  EXPECT_EQ(distinct.size(), common.size());
  EXPECT_EQ(common.size(), size_t{kWriters} * kCount * 3 / 5);
  EXPECT_EQ(*space.observations().count(), common.size());
  EXPECT_EQ(found(space, {.text = "common", .limit = kRecallLimitMax, .tags = {"writer1"}}).size(),
            size_t{kCount} * 3 / 5);

  // Made anew, the index gives the same in the same order.
  EXPECT_EQ(*space.observations().reindex(), common.size());
  EXPECT_EQ(found(space, {.text = "common", .limit = kRecallLimitMax}), common);
  EXPECT_TRUE(store.check()->problems.empty());
}

TEST(Search, AWriterKilledWhileItFoldsLeavesAWholeIndex) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/store";
  constexpr int kBatch = 20;
  size_t least = 0;
  for (int round = 0; round < 6; ++round) {
    const int batches = 12 + round;
    add_until_killed(path, batches, [&](int number) {
      return std::vector<NewObservation>(kBatch, observation_of(round, number));
    });
    least += static_cast<size_t>(batches) * kBatch;
    Store store = open_or_die(path);
    const Space space = *store.space("crowd");
    const uint64_t count = *space.observations().count();
    EXPECT_GE(count, least);
    least = count;
    EXPECT_EQ(found(space, {.text = "common", .limit = 1000}).size(),
              std::min<size_t>(count, 1000));
    const std::string tag = "writer" + std::to_string(round);
    const auto hits = space.recall({.text = "common", .limit = 1000, .tags = {tag}});
    ASSERT_TRUE(hits);
    EXPECT_GE(hits->size(), size_t{12} * kBatch);
  }
}

}  // namespace
}  // namespace holdfast
