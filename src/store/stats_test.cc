// What stats() says of the locks, of who is in the way, and of why the store is as large as it is.
#include "store/stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/engine.h"
#include "store/test_machine.h"

namespace holdfast::store {
namespace {

using testing::HasSubstr;

const LockStats& lock_of(const StoreStats& stats, const std::string& name) {
  for (const LockStats& lock : stats.locks) {
    if (lock.name == name) return lock;
  }
  CHECK(false);
  return stats.locks[0];
}

TEST(Stats, TheOldestReadersComeFirstWithTheirProcess) {
  TestMachine machine;
  Store store = machine.open();
  ASSERT_TRUE(store.put("a", "1"));
  ASSERT_TRUE(store.flush());
  Snapshot old = std::move(*store.snapshot());
  ASSERT_TRUE(store.put("a", "2"));
  ASSERT_TRUE(store.flush());
  Transaction younger = std::move(*store.begin());
  const StoreStats stats = *store.stats();
  EXPECT_EQ(stats.readers, 2u);
  ASSERT_EQ(stats.oldest_readers.size(), 2u);
  EXPECT_EQ(stats.oldest_readers[0].version, old.version());
  EXPECT_FALSE(stats.oldest_readers[0].keeps_log);
  EXPECT_EQ(stats.oldest_readers[1].version, younger.version());
  EXPECT_TRUE(stats.oldest_readers[1].keeps_log);
  EXPECT_EQ(stats.oldest_readers[1].age_us_min, 0u);
  EXPECT_THAT(stats.oldest_readers[0].process, HasSubstr("pid "));
  EXPECT_EQ(stats.oldest_pinned_version, old.version());
}

TEST(Stats, TheLogIsKeptForTheCheckpointOrForAnOldTransaction) {
  TestMachine machine;
  Store store = machine.open();
  ASSERT_TRUE(store.put("a", "1"));
  Transaction old = std::move(*store.begin());
  EXPECT_EQ(store.stats()->log_needed_by, "checkpoint");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(store.put("a", std::string(400, 'v')));
    ASSERT_TRUE(store.checkpoint());
  }
  const StoreStats held = *store.stats();
  EXPECT_THAT(held.log_needed_by, HasSubstr("transaction of pid "));
  old.abort();
  const StoreStats free = *store.stats();
  EXPECT_EQ(free.log_needed_by, "checkpoint");
  EXPECT_LT(free.log_bytes_needed, held.log_bytes_needed);
  EXPECT_EQ(free.checkpoint_version, free.version);
  EXPECT_GE(free.log_segments, 1u + free.log_segments_prepared);
}

TEST(Stats, HoldsAndWaitsOfLocksAreTimed) {
  TestMachine machine;
  Store store = machine.open();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(store.put(std::to_string(i), "v"));
  ASSERT_TRUE(store.checkpoint());
  const StoreStats stats = *store.stats();
  EXPECT_EQ(stats.locks.size(), 6u);
  for (const char* name : {"commit", "apply", "sync", "checkpoint"}) {
    SCOPED_TRACE(name);
    const LockStats& lock = lock_of(stats, name);
    EXPECT_GE(lock.holds_timed, 1u);
    EXPECT_GE(lock.held_us, lock.held_us_max);
    EXPECT_EQ(lock.holder, "");
  }
}

TEST(Stats, AHeldLockNamesItsHolder) {
  TestMachine machine;
  Store store = machine.open();
  auto other = machine.attach();
  ASSERT_EQ(other->locks->turn.try_lock(false), LockOutcome::kAcquired);
  EXPECT_THAT(lock_of(*store.stats(), "turn").holder, HasSubstr("pid "));
  other->locks->turn.unlock();
  EXPECT_EQ(lock_of(*store.stats(), "turn").holder, "");
}

TEST(Stats, RetriesAndTurnsAreCounted) {
  TestMachine machine;
  Store store = machine.open();
  ASSERT_TRUE(store.put("n", "0"));
  int runs = 0;
  ASSERT_TRUE(store.update([&](Transaction& txn) -> Status {
    HOLDFAST_TRY(txn.get("n").status());
    if (++runs < 3) HOLDFAST_TRY(store.put("n", std::to_string(runs)).status());
    return txn.put("n", "last");
  }));
  EXPECT_EQ(store.stats()->retries, 2u);
  EXPECT_EQ(store.stats()->conflicts, 2u);
}

}  // namespace
}  // namespace holdfast::store
