// One handle, many threads: nothing is lost, nothing is torn, counters add up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "holdfast/holdfast.h"
#include "support/store_files.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

constexpr int kThreads = 8;

// `work(number)` on `count` threads that begin at the same moment.
void run(int count, const std::function<void(int)>& work) {
  std::latch start(count);
  std::vector<std::thread> threads;
  for (int number = 0; number < count; ++number) {
    threads.emplace_back([&, number] {
      start.arrive_and_wait();
      work(number);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

class ThreadsTest : public testing::TestWithParam<Durability> {
 protected:
  Store open() const {
    StoreOptions options;
    options.durability = GetParam();
    return open_or_die(path_, options);
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_P(ThreadsTest, EightThreadsStoreAHundredEach) {
  {
    Store store = open();
    run(kThreads, [&](int thread) {
      for (int i = 0; i < 100; ++i) {
        const std::string key = std::to_string(thread) + "/" + std::to_string(i);
        const auto version = store.put(key, "value of " + key);
        ASSERT_TRUE(version) << version.status().to_string();
        ASSERT_EQ(store.get(key)->value(), "value of " + key);
      }
    });
    expect_sound(store);
    EXPECT_EQ(store.stats()->version, kThreads * 100u);
  }
  reboot(path_);
  Store store = open();
  const auto rows = contents(store);
  EXPECT_EQ(rows.size(), kThreads * 100u);
  for (const auto& [key, value] : rows) EXPECT_EQ(value, "value of " + key);
}

TEST_P(ThreadsTest, EightThreadsRememberAndRecall) {
  Store store = open();
  const Space space = *store.space("project");
  run(kThreads, [&](int thread) {
    // Words that have no part in common.
    const std::string name =
        std::vector{"amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heron"}[thread];
    for (int i = 0; i < 20; ++i) {
      NewObservation observation;
      observation.content = name + " says item" + std::to_string(i);
      const auto id = space.observations().add(observation);
      ASSERT_TRUE(id) << id.status().to_string();
      const auto hits = space.recall({.text = name, .limit = 100});
      ASSERT_TRUE(hits) << hits.status().to_string();
      ASSERT_EQ(hits->size(), i + 1u);
    }
  });
  EXPECT_EQ(*space.observations().count(), kThreads * 20u);
  expect_sound(store);
}

// Each batch is analysed by several threads, and folded by another one while the next is written.
TEST_P(ThreadsTest, BatchesOfThreadsAreFoundWhileThreadsFoldThem) {
  constexpr size_t kBatch = 150;
  constexpr size_t kBatches = 6;
  const std::vector<std::string> names = {"amber", "birch", "cedar", "dune"};
  Store store = open();
  const Space space = *store.space("project");
  const auto found = [&](const std::string& name) {
    const auto hits = space.recall({.text = name, .limit = 1'000});
    EXPECT_TRUE(hits) << hits.status().to_string();
    return hits ? hits->size() : 0;
  };
  run(static_cast<int>(names.size()), [&](int thread) {
    for (size_t i = 0; i < kBatches; ++i) {
      std::vector<NewObservation> batch(kBatch);
      for (size_t j = 0; j < kBatch; ++j) {
        batch[j].content = names[thread] + " says item" + std::to_string(i * kBatch + j);
      }
      const auto added = space.observations().add_all(batch);
      ASSERT_TRUE(added) << added.status().to_string();
      ASSERT_EQ(found(names[thread]), (i + 1) * kBatch);
    }
  });
  ASSERT_TRUE(space.observations().fold(1'000));
  for (const std::string& name : names) EXPECT_EQ(found(name), kBatches * kBatch);
  expect_sound(store);
}

TEST_P(ThreadsTest, UpdatesOfOneCounterAreAllCounted) {
  Store store = open();
  std::set<uint64_t> versions;
  std::mutex mutex;
  run(kThreads, [&](int) {
    for (int i = 0; i < 25; ++i) {
      const auto version = store.update([](Transaction& txn) -> Status {
        HOLDFAST_ASSIGN(const auto value, txn.get("counter"));
        return txn.put("counter", std::to_string(value ? std::stoi(*value) + 1 : 1));
      });
      ASSERT_TRUE(version) << version.status().to_string();
      const std::lock_guard lock(mutex);
      ASSERT_TRUE(versions.insert(*version).second) << "version given twice";
    }
  });
  EXPECT_EQ(store.get("counter")->value(), std::to_string(kThreads * 25));
  EXPECT_EQ(*versions.rbegin(), versions.size());
}

TEST_P(ThreadsTest, SnapshotsBesideWritersAreWholeAndDoNotMove) {
  Store store = open();
  constexpr int kRows = 20;
  std::atomic<int> writing = 2;
  run(6, [&](int thread) {
    if (thread < 2) {
      for (int round = 0; round < 60; ++round) {
        const std::string value(1 + (round * 37 + thread) % 700,
                                static_cast<char>('a' + round % 26));
        const auto version = store.update([&](Transaction& txn) -> Status {
          for (int row = 0; row < kRows; ++row) {
            HOLDFAST_TRY(txn.put("row" + std::to_string(row), value));
          }
          return Status::ok();
        });
        ASSERT_TRUE(version) << version.status().to_string();
      }
      --writing;
      return;
    }
    uint64_t version_before = 0;
    while (writing > 0) {
      auto snapshot = store.snapshot();
      ASSERT_TRUE(snapshot) << snapshot.status().to_string();
      ASSERT_GE(snapshot->version(), version_before);
      version_before = snapshot->version();
      const auto first = contents(*snapshot);
      if (first.empty()) continue;
      ASSERT_EQ(first.size(), static_cast<size_t>(kRows));
      for (const auto& [key, value] : first) ASSERT_EQ(value, first.begin()->second) << key;
      ASSERT_EQ(contents(*snapshot), first);
    }
  });
  expect_sound(store);
}

TEST_P(ThreadsTest, EveryThreadMayHaveAHandleOfItsOwn) {
  run(kThreads, [&](int thread) {
    for (int round = 0; round < 5; ++round) {
      Store store = open();
      const auto version = store.put(std::to_string(thread) + "/" + std::to_string(round), "v");
      ASSERT_TRUE(version) << version.status().to_string();
    }
  });
  Store store = open();
  EXPECT_EQ(contents(store).size(), kThreads * 5u);
  EXPECT_EQ(store.stats()->processes, 1u);
  expect_sound(store);
}

TEST_P(ThreadsTest, AWriterThatThrowsLeavesNothingAndNobodyWaitsForIt) {
  {
    Store store = open();
    run(kThreads, [&](int thread) {
      for (int i = 0; i < 20; ++i) {
        const std::string key = std::to_string(thread) + "/" + std::to_string(i);
        const auto write = [&](Transaction& txn) -> Status {
          HOLDFAST_TRY(txn.put(key, "v"));
          if (i % 2 == 1) throw std::runtime_error("the writer gives up");
          return Status::ok();
        };
        if (i % 2 == 1) {
          ASSERT_THROW((void)store.update(write), std::runtime_error);
          ASSERT_EQ(*store.get(key), std::nullopt);
        } else {
          const auto version = store.update(write);
          ASSERT_TRUE(version) << version.status().to_string();
        }
      }
    });
    EXPECT_EQ(contents(store).size(), kThreads * 10u);
    expect_sound(store);
  }
  reboot(path_);
  Store store = open();
  EXPECT_EQ(contents(store).size(), kThreads * 10u);
  expect_sound(store);
}

INSTANTIATE_TEST_SUITE_P(Durabilities, ThreadsTest,
                         testing::Values(Durability::strict, Durability::batched),
                         [](const auto& test_info) {
                           return test_info.param == Durability::strict ? "Strict" : "Batched";
                         });

// Readers of rows that were there before, beside writers of rows of their own or of a few that all
// want.
struct Crowd {
  const char* name;
  int writers = 0;
  int writes = 0;  // of each
  int hot = 0;     // counters that they raise; 0: each writes rows of its own
  int readers = 0;
  int reads = 0;  // of each
};

class CrowdOfThreadsTest : public testing::TestWithParam<Crowd> {
 protected:
  static constexpr int kRowsBefore = 100;
  static std::string own_key(int writer, int i) {
    return "own/" + std::to_string(writer) + "/" + std::to_string(i);
  }
  static std::string hot_key(int i) { return "hot/" + std::to_string(i % GetParam().hot); }
  static std::string before_key(int i) { return "before/" + std::to_string(i % kRowsBefore); }

  static Status raise(Transaction& txn, const std::string& key) {
    HOLDFAST_ASSIGN(const auto value, txn.get(key));
    return txn.put(key, std::to_string(value ? std::stoi(*value) + 1 : 1));
  }
  static void write(Store& store, int writer) {
    for (int i = 0; i < GetParam().writes; ++i) {
      const std::string key = GetParam().hot > 0 ? hot_key(writer + i) : own_key(writer, i);
      const auto version = GetParam().hot > 0
                               ? store.update([&](Transaction& txn) { return raise(txn, key); })
                               : store.put(key, "value of " + key);
      ASSERT_TRUE(version) << version.status().to_string();
    }
  }
  static void read(Store& store, int reader) {
    for (int i = 0; i < GetParam().reads; ++i) {
      const std::string key = before_key(reader + i);
      ASSERT_EQ(store.get(key)->value(), "value of " + key);
    }
  }
  static void expect_all(Store& store) {
    const Crowd& crowd = GetParam();
    int raised = 0;
    size_t rows = 0;
    for (const auto& [key, value] : contents(store)) {
      if (key.starts_with("hot/")) {
        raised += std::stoi(value);
      } else {
        ASSERT_EQ(value, "value of " + key);
        ++rows;
      }
    }
    const int written = crowd.writers * crowd.writes;
    EXPECT_EQ(raised, crowd.hot > 0 ? written : 0);
    EXPECT_EQ(rows, static_cast<size_t>(kRowsBefore + (crowd.hot > 0 ? 0 : written)));
    expect_sound(store);
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path_of("store");
};

TEST_P(CrowdOfThreadsTest, LosesNothingAlsoWhenReopened) {
  const Crowd& crowd = GetParam();
  {
    Store store = open_or_die(path_);
    const auto filled = store.update([&](Transaction& txn) -> Status {
      for (int i = 0; i < kRowsBefore; ++i) {
        HOLDFAST_TRY(txn.put(before_key(i), "value of " + before_key(i)));
      }
      return Status::ok();
    });
    ASSERT_TRUE(filled) << filled.status().to_string();
    run(crowd.writers + crowd.readers,
        [&](int thread) { thread < crowd.writers ? write(store, thread) : read(store, thread); });
    expect_all(store);
  }
  for (const bool cold : {false, true}) {
    if (cold) reboot(path_);
    Store store = open_or_die(path_);
    expect_all(store);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Threads, CrowdOfThreadsTest,
    testing::Values(Crowd{"TenWritersOfAHundred", 10, 100}, Crowd{"TwentyWritersOfFifty", 20, 50},
                    Crowd{"TwentyReadersOfAThousand", 0, 0, 0, 20, 1000},
                    Crowd{"TenReadersOfFiftyBesideFiveWritersOfAHundred", 5, 100, 0, 10, 50},
                    Crowd{"FiftyWritersOfTwentyOnTenHotRows", 50, 20, 10}),
    [](const auto& test_info) { return std::string(test_info.param.name); });

}  // namespace
}  // namespace holdfast
