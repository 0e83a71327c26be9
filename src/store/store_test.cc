#include "holdfast/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "store/test_machine.h"
#include "support/temporary_directory.h"

namespace holdfast {
namespace {

using store::contents;

StoreOptions small_store() {
  StoreOptions options;
  options.page_size_bytes = 512;
  options.segment_size_bytes = 16u << 10;
  return options;
}

void expect_sound(Store& store) {
  auto report = store.check();
  ASSERT_TRUE(report) << report.status().to_string();
  EXPECT_THAT(report->problems, testing::IsEmpty());
}

class StoreTest : public testing::Test {
 protected:
  Store open(StoreOptions options = small_store()) {
    auto store = Store::open(path(), options);
    EXPECT_TRUE(store) << store.status().to_string();
    return std::move(*store);
  }
  std::string path() const { return directory_.path() + "/store"; }
  TemporaryDirectory directory_;
};

TEST_F(StoreTest, WhatWasPutIsFound) {
  Store store = open();
  auto version = store.put("key", "value");
  ASSERT_TRUE(version) << version.status().to_string();
  EXPECT_EQ(*version, 1u);
  auto value = store.get("key");
  ASSERT_TRUE(value) << value.status().to_string();
  EXPECT_EQ(value->value(), "value");
  EXPECT_EQ(*store.get("other"), std::nullopt);
  expect_sound(store);
}

TEST_F(StoreTest, AnotherHandleSeesAcknowledgedCommits) {
  Store a = open();
  Store b = open();
  ASSERT_TRUE(a.put("from a", "1"));
  ASSERT_TRUE(b.put("from b", "2"));
  EXPECT_EQ(b.get("from a")->value(), "1");
  EXPECT_EQ(a.get("from b")->value(), "2");
}

TEST_F(StoreTest, ContentsSurviveReopening) {
  {
    Store store = open();
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(store.put("key" + std::to_string(i), "v"));
  }
  Store store = open();
  EXPECT_FALSE(store.recovery().cold);
  Snapshot snapshot = std::move(*store.snapshot());
  EXPECT_EQ(contents(snapshot).size(), 500u);
  expect_sound(store);
}

TEST_F(StoreTest, ContentsSurviveTheLossOfTheControlBlock) {
  {
    Store store = open();
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(store.put("key" + std::to_string(i), "v"));
    ASSERT_TRUE(store.del("key7"));
  }
  std::filesystem::remove(path() + "/shm");
  Store store = open();
  EXPECT_TRUE(store.recovery().cold);
  EXPECT_EQ(store.recovery().version, 501u);
  Snapshot snapshot = std::move(*store.snapshot());
  EXPECT_EQ(contents(snapshot).size(), 499u);
  expect_sound(store);
  ASSERT_TRUE(store.put("after", "v"));
  expect_sound(store);
}

TEST_F(StoreTest, RandomOperationsMatchAMap) {
  std::mt19937 random(7);
  std::map<std::string, std::string> model;
  for (int round = 0; round < 12; ++round) {
    Store store = open();
    for (int i = 0; i < 60; ++i) {
      auto txn = store.begin();
      ASSERT_TRUE(txn) << txn.status().to_string();
      for (unsigned j = 0; j < 1 + random() % 8; ++j) {
        const std::string key = "k" + std::to_string(random() % 400);
        if (random() % 4 == 0) {
          ASSERT_TRUE(txn->del(key));
          model.erase(key);
        } else {
          const std::string value(random() % (random() % 10 == 0 ? 3000 : 60), 'v');
          ASSERT_TRUE(txn->put(key, value));
          model[key] = value;
        }
      }
      EXPECT_EQ(contents(*txn), model);
      auto version = txn->commit();
      ASSERT_TRUE(version) << version.status().to_string();
    }
    if (round % 3 == 1) {
      ASSERT_TRUE(store.checkpoint());
    }
    Snapshot snapshot = std::move(*store.snapshot());
    ASSERT_EQ(contents(snapshot), model);
    expect_sound(store);
    ASSERT_TRUE(store.close());
    if (round % 3 == 2) std::filesystem::remove(path() + "/shm");
  }
}

TEST_F(StoreTest, ReadersOfAnOldSnapshotAreNotDisturbed) {
  Store store = open();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(store.put("key" + std::to_string(i), "old"));
  Snapshot before = std::move(*store.snapshot());
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(store.put("key" + std::to_string(i), "new"));
  }
  for (const auto& [key, value] : contents(before)) EXPECT_EQ(value, "old") << key;
  expect_sound(store);
}

TEST_F(StoreTest, TransactionsThatReadWhatChangedConflict) {
  Store store = open();
  ASSERT_TRUE(store.put("a", "1"));
  Transaction first = std::move(*store.begin());
  Transaction second = std::move(*store.begin());
  ASSERT_TRUE(first.get("a"));
  ASSERT_TRUE(second.get("a"));
  ASSERT_TRUE(first.put("a", "2"));
  ASSERT_TRUE(second.put("b", "3"));
  ASSERT_TRUE(first.commit());
  const auto result = second.commit();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.status().code(), StatusCode::kConflict);
  EXPECT_EQ(*store.get("b"), std::nullopt);
}

TEST_F(StoreTest, InsertionIntoAScannedRangeConflicts) {
  Store store = open();
  ASSERT_TRUE(store.put("m1", ""));
  ASSERT_TRUE(store.put("m5", ""));
  Transaction txn = std::move(*store.begin());
  EXPECT_EQ(contents(txn).size(), 2u);
  ASSERT_TRUE(txn.put("sum", "2"));
  ASSERT_TRUE(store.put("m3", ""));
  EXPECT_EQ(txn.commit().status().code(), StatusCode::kConflict);
}

TEST_F(StoreTest, WhatIsOnlyPeekedAtDoesNotConflict) {
  Store store = open();
  ASSERT_TRUE(store.put("m1", "1"));
  Transaction txn = std::move(*store.begin());
  ASSERT_TRUE(txn.put("m2", "own"));
  EXPECT_EQ(txn.peek("m1")->value(), "1");
  EXPECT_EQ(txn.peek("m2")->value(), "own");
  std::string seen;
  Cursor cursor = txn.peek_scan(KeyRange::prefix("m"));
  for (; cursor.valid(); cursor.next()) seen += std::string(cursor.key()) + " ";
  EXPECT_EQ(seen, "m1 m2 ");
  ASSERT_TRUE(store.put("m1", "changed"));
  ASSERT_TRUE(store.put("m3", "new"));
  EXPECT_TRUE(txn.commit());
}

TEST_F(StoreTest, BlindWritesDoNotConflict) {
  Store store = open();
  Transaction first = std::move(*store.begin());
  Transaction second = std::move(*store.begin());
  ASSERT_TRUE(first.put("a", "1"));
  ASSERT_TRUE(second.put("a", "2"));
  ASSERT_TRUE(first.commit());
  ASSERT_TRUE(second.commit());
  EXPECT_EQ(store.get("a")->value(), "2");
}

TEST_F(StoreTest, ThreadsIncrementACounterWithoutLoss) {
  Store store = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        auto version = store.update([](Transaction& txn) -> Status {
          HOLDFAST_ASSIGN(auto value, txn.get("n"));
          return txn.put("n", std::to_string(value ? std::stoi(*value) + 1 : 1));
        });
        ASSERT_TRUE(version) << version.status().to_string();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(store.get("n")->value(), "200");
  expect_sound(store);
}

TEST_F(StoreTest, BatchedCommitsAreVisibleAtOnce) {
  StoreOptions options = small_store();
  options.durability = Durability::batched;
  Store store = open(options);
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(store.put("key" + std::to_string(i), "v"));
  EXPECT_EQ(store.get("key2999")->value(), "v");
  expect_sound(store);
}

TEST_F(StoreTest, AHandleIsAliveUntilItGoes) {
  Store store = open();
  HandleId gone;
  {
    Store other = open();
    gone = other.handle_id();
    EXPECT_NE(gone, store.handle_id());
    EXPECT_TRUE(store.handle_alive(gone));
    EXPECT_TRUE(other.handle_alive(store.handle_id()));
  }
  EXPECT_FALSE(store.handle_alive(gone));
  EXPECT_TRUE(store.handle_alive(store.handle_id()));
  EXPECT_FALSE(store.handle_alive({}));
  // Its slot, used again, is somebody else's.
  Store next = open();
  EXPECT_FALSE(store.handle_alive(gone));
}

TEST_F(StoreTest, AStoreInMemoryNeedsNoFiles) {
  auto store = Store::memory();
  ASSERT_TRUE(store) << store.status().to_string();
  ASSERT_TRUE(store->put("key", "value"));
  EXPECT_EQ(store->get("key")->value(), "value");
}

}  // namespace
}  // namespace holdfast
