// What close() gives back, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "store/test_machine.h"

namespace holdfast::store {
namespace {

class CloseTest : public testing::Test {
 protected:
  StoreOptions alone() const {
    StoreOptions options = TestMachine::small_store();
    options.sharing = Sharing::exclusive;
    options.deadline = std::chrono::milliseconds(1);
    return options;
  }
  TestMachine machine_;
};

TEST_F(CloseTest, AClosedHandleHasNoProcessSlot) {
  Store other = machine_.open();
  Store store = machine_.open();
  const HandleId id = store.handle_id();
  ASSERT_TRUE(store.put("a", "1"));
  ASSERT_EQ(other.stats()->processes, 2u);
  ASSERT_TRUE(other.handle_alive(id));
  ASSERT_TRUE(store.close());
  EXPECT_EQ(other.stats()->processes, 1u);
  EXPECT_FALSE(other.handle_alive(id));
  EXPECT_FALSE(store.handle_alive(id));
  EXPECT_TRUE(store.handle_alive(other.handle_id()));
  EXPECT_EQ(store.get("a").status().code(), StatusCode::kClosed);
  EXPECT_TRUE(store.close());
}

TEST_F(CloseTest, MoreHandlesThanSlotsMayBeClosedAndKept) {
  std::vector<Store> closed;
  for (uint32_t i = 0; i < kProcessSlots + 5; ++i) {
    closed.push_back(machine_.open());
    ASSERT_TRUE(closed.back().close()) << i;
  }
  EXPECT_EQ(machine_.open().stats()->processes, 1u);
}

TEST_F(CloseTest, WhatIsStillOpenKeepsTheSlotUntilItGoes) {
  Store other = machine_.open();
  Store store = machine_.open();
  ASSERT_TRUE(store.put("a", "1"));
  std::optional<Snapshot> snapshot = std::move(*store.snapshot());
  std::optional<Transaction> finished = std::move(*store.begin());
  std::optional<Transaction> txn = std::move(*store.begin());
  std::optional<Watch> watch = std::move(*store.watch(KeyRange::all()));
  ASSERT_TRUE(store.close());
  EXPECT_EQ(snapshot->get("a").status().code(), StatusCode::kClosed);
  finished->abort();
  EXPECT_EQ(other.stats()->processes, 2u);
  snapshot.reset();
  EXPECT_EQ(other.stats()->processes, 2u);
  txn.reset();
  EXPECT_EQ(other.stats()->processes, 2u);
  watch.reset();
  EXPECT_EQ(other.stats()->processes, 1u);
  EXPECT_EQ(other.stats()->readers, 0u);
}

TEST_F(CloseTest, ACallThatRunsKeepsTheSlotUntilItReturns) {
  Store other = machine_.open();
  Store store = machine_.open();
  const auto result = store.update([&](Transaction& txn) -> Status {
    EXPECT_TRUE(store.close());
    EXPECT_EQ(other.stats()->processes, 2u);
    return txn.put("a", "1");
  });
  EXPECT_EQ(result.status().code(), StatusCode::kClosed);
  EXPECT_EQ(other.stats()->processes, 1u);
  EXPECT_EQ(*other.get("a"), std::nullopt);
}

TEST_F(CloseTest, AStoreThatOneHandleHadAloneIsFreeWhenThatIsClosed) {
  Store store = machine_.open(alone());
  ASSERT_TRUE(store.put("a", "1"));
  std::optional<Snapshot> snapshot = std::move(*store.snapshot());
  ASSERT_TRUE(store.close());
  EXPECT_EQ(machine_.try_open(alone()).status().code(), StatusCode::kBusy);
  snapshot.reset();
  Store next = machine_.open();
  EXPECT_EQ(*next.get("a"), "1");
  EXPECT_FALSE(next.recovery().exclusive);
}

TEST_F(CloseTest, CallsThatRaceWithCloseEndOneWayOrTheOther) {
  Store other = machine_.open();
  for (int round = 0; round < 20; ++round) {
    Store store = machine_.open();
    std::atomic<int> running{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0;; ++i) {
          const Status status = i % 2 == 0 ? store.put(std::to_string(t), "x").status()
                                           : store.get(std::to_string(t)).status();
          if (i == 4) running.fetch_add(1);
          if (status) continue;
          EXPECT_EQ(status.code(), StatusCode::kClosed) << status.to_string();
          return;
        }
      });
    }
    while (running.load() < 3) std::this_thread::yield();
    EXPECT_TRUE(store.close());
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(other.stats()->processes, 1u);
    EXPECT_TRUE(other.checkpoint());  // a busy machine lets them write many tiny segments
  }
  EXPECT_THAT(other.check()->problems, testing::IsEmpty());
}

}  // namespace
}  // namespace holdfast::store
