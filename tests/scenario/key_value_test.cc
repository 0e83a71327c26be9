// Processes that share key-values and are really killed: no conditional put overwrites another, no
// version is missing, and what expires leaves nothing behind.
#include <gtest/gtest.h>

#include <chrono>

#include "holdfast/holdfast.h"
#include "support/child_process.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using std::chrono::milliseconds;

constexpr int kWorkers = 16;
constexpr int kDeaths = 12;
constexpr int kRounds = 25;

class KeyValueScenario : public testing::Test {
 protected:
  // Reads the number, puts the next one if nobody was quicker.
  static void raise_by_one(const Kv& kv) {
    while (true) {
      const auto entry = kv.find("turn/number");
      ASSERT_TRUE(entry) << entry.status().to_string();
      const uint64_t version = *entry ? (*entry)->version : kKvNoVersion;
      const int next = *entry ? std::stoi((*entry)->value) + 1 : 1;
      const Status put = kv.put("turn/number", std::to_string(next), {.if_version = version});
      if (put) return;
      ASSERT_EQ(put.code(), StatusCode::kConditionFalse) << put.to_string();
    }
  }

  void work(int worker, Channel& told) {
    Store store = open_or_die(path_);
    const Space space = *store.space("crew");
    for (int round = 0; round < kRounds; ++round) {
      raise_by_one(space.kv());
      const std::string name = std::to_string(worker) + "/" + std::to_string(round);
      const auto version = store.update([&](Transaction& txn) -> Status {
        const Kv kv = space.kv(txn);
        HOLDFAST_TRY(kv.add("documents", 1));
        HOLDFAST_TRY(kv.put("doc/" + std::to_string(round % 4), name));
        return kv.put("brief/" + name, "x", {.ttl = milliseconds(1)});
      });
      ASSERT_TRUE(version) << version.status().to_string();
      told.send("x");
    }
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_F(KeyValueScenario, NoUpdateIsLostThoughWritersAreKilled) {
  ASSERT_EQ(run_in_child([&] {
              Store store = open_or_die(path_);
              const Kv kv = store.space("crew")->kv();
              ASSERT_TRUE(kv.keep_history({}, "turn/"));
              ASSERT_TRUE(kv.keep_history({}, "doc/"));
            }),
            ChildProcess::kSuccess);
  Channel told;
  std::vector<ChildProcess> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.push_back(ChildProcess::start([&, i] { work(i, told); }));
  }
  for (int death = 0; death < kDeaths; ++death) {
    ASSERT_TRUE(told.receive(8));
    workers[static_cast<size_t>(death)].kill();
    workers[static_cast<size_t>(death)].wait();
  }
  told.close_sending();
  for (size_t i = kDeaths; i < workers.size(); ++i) {
    EXPECT_EQ(workers[i].wait(), ChildProcess::kSuccess);
  }

  Store store = open_or_die(path_);
  const Kv kv = store.space("crew")->kv();
  // Each version is one more than the one before it.
  const auto turns = kv.history("turn/number", 100'000);
  ASSERT_TRUE(turns);
  size_t number = turns->size();
  EXPECT_GE(number, static_cast<size_t>((kWorkers - kDeaths) * kRounds));
  for (const KvVersion& turn : *turns) EXPECT_EQ(turn.value, std::to_string(number--));
  // As many documents as were counted, each readable as of its commit.
  int64_t documents = 0;
  for (int i = 0; i < 4; ++i) {
    const std::string key = "doc/" + std::to_string(i);
    const auto versions = kv.history(key, 100'000);
    ASSERT_TRUE(versions);
    documents += static_cast<int64_t>(versions->size());
    for (size_t at = 0; at < versions->size(); at += 17) {
      EXPECT_EQ(**kv.get_at(key, AsOf::version((*versions)[at].version)), (*versions)[at].value);
    }
  }
  EXPECT_EQ(*kv.count("documents"), documents);
  // What was put last lives for a millisecond, and all of the above can take less.
  const auto expired = std::chrono::steady_clock::now() + milliseconds(2);
  while (std::chrono::steady_clock::now() < expired) {
  }
  EXPECT_EQ(kv.list({.prefix = "brief/"})->size(), 0u);
  while (*kv.sweep() > 0) {
  }
  auto snapshot = store.snapshot();
  EXPECT_FALSE(snapshot->scan(KeyRange::prefix("\x08\x51")).valid());
  expect_sound(store);
}

}  // namespace
}  // namespace holdfast
