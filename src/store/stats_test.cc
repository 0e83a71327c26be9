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

TEST(Stats, PagesThatAReaderHoldsBackAreCountedAsCheckCountsThem) {
  TestMachine machine;
  Store store = machine.open();
  const auto write_all = [&](const char* value) {
    return store.update([&](Transaction& txn) -> Status {
      for (int i = 0; i < 400; ++i) HOLDFAST_TRY(txn.put("key" + std::to_string(i), value));
      return Status::ok();
    });
  };
  ASSERT_TRUE(write_all("1"));
  ASSERT_TRUE(store.checkpoint());
  Snapshot old = std::move(*store.snapshot());
  ASSERT_TRUE(write_all("2"));
  ASSERT_TRUE(store.checkpoint());
  ASSERT_TRUE(store.checkpoint());
  ASSERT_TRUE(store.put("a", "3"));
  ASSERT_TRUE(store.checkpoint());
  ASSERT_TRUE(store.put("a", "4"));
  ASSERT_TRUE(store.flush());  // as check() does
  const StoreStats held = *store.stats();
  ASSERT_EQ(held.oldest_readers.size(), 1u);
  const uint64_t pages = held.oldest_readers[0].pages_held;
  EXPECT_GT(pages, 10u);
  EXPECT_GE(held.retired_pages, pages);
  const CheckReport check = *store.check();
  EXPECT_EQ(held.file_pages, check.file_pages);
  EXPECT_EQ(held.retired_pages, check.retired_pages);
  EXPECT_EQ(held.free_pages, check.free_pages);
  old = std::move(*store.snapshot());
  const StoreStats gone = *store.stats();
  ASSERT_EQ(gone.oldest_readers.size(), 1u);
  EXPECT_LT(gone.oldest_readers[0].pages_held, pages) << "what is replaced next waits for it";
}

TEST(Stats, CommitsThatShareASyncAndABatchAreCounted) {
  TestMachine machine;
  StoreOptions options = TestMachine::small_store();
  options.durability = Durability::batched;
  Store store = machine.open(options);
  const StoreStats before = *store.stats();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store.put("key" + std::to_string(i), "v"));
  const StoreStats unsynced = *store.stats();
  EXPECT_EQ(unsynced.commits - before.commits, 50u);
  EXPECT_EQ(unsynced.commits_unsynced, 50u);
  EXPECT_EQ(unsynced.commits_unapplied, 50u);
  EXPECT_EQ(unsynced.durable_version + 50, unsynced.version);
  ASSERT_TRUE(store.flush());
  const StoreStats after = *store.stats();
  EXPECT_EQ(after.syncs - before.syncs, 1u);
  EXPECT_EQ(after.applies - before.applies, 1u);
  EXPECT_EQ(after.commits_unsynced, 0u);
  EXPECT_EQ(after.commits_unapplied, 0u);
  EXPECT_EQ(after.durable_version, after.version);
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
