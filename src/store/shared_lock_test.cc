#include "store/shared_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "store/pins.h"
#include "store/test_machine.h"

namespace holdfast::store {
namespace {

using testing::HasSubstr;

// Two handles on one store; each is a process to the other.
class SharedLockTest : public testing::Test {
 protected:
  Deadline soon() { return {machine_.os(), 1}; }
  Deadline late() { return {machine_.os(), 10'000'000}; }
  // The second handle dies as it stands.
  void kill_b() { b_.reset(); }
  SharedLock& lock_a() { return a_->locks->commit; }
  SharedLock& lock_b() { return b_->locks->commit; }

  TestMachine machine_;
  std::unique_ptr<Context> a_ = machine_.attach();
  std::unique_ptr<Context> b_ = machine_.attach();
};

TEST_F(SharedLockTest, OneHoldsItAtATime) {
  EXPECT_FALSE(lock_a().is_held());
  EXPECT_FALSE(lock_a().is_held_by_other());
  EXPECT_EQ(lock_a().try_lock(false), LockOutcome::kAcquired);
  EXPECT_EQ(lock_b().try_lock(true), LockOutcome::kNotNow);
  EXPECT_EQ(lock_b().lock(soon()), LockOutcome::kNotNow);
  EXPECT_TRUE(lock_b().is_held());
  EXPECT_TRUE(lock_b().is_held_by_other());
  EXPECT_FALSE(lock_a().is_held_by_other());
  lock_a().unlock();
  EXPECT_FALSE(lock_b().is_held());
  EXPECT_EQ(lock_b().lock(late()), LockOutcome::kAcquired);
  lock_b().unlock();
}

TEST_F(SharedLockTest, BusyNamesTheHolder) {
  ASSERT_EQ(lock_a().try_lock(false), LockOutcome::kAcquired);
  const Status status = lock_b().busy();
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_THAT(
      std::string(status.message()),
      HasSubstr("commit lock is held by pid " + std::to_string(machine_.os().process().pid)));
  lock_a().unlock();
  EXPECT_THAT(std::string(lock_b().busy().message()), HasSubstr("nobody any more"));
}

TEST_F(SharedLockTest, AnUnlockWakesAWaiter) {
  ASSERT_EQ(lock_a().try_lock(false), LockOutcome::kAcquired);
  const LockLine& line = a_->control().commit_lock;
  std::thread waiter([&] {
    EXPECT_EQ(lock_b().lock(late()), LockOutcome::kAcquired);
    lock_b().unlock();
  });
  while ((line.word.load() & kWaitersBit) == 0) machine_.os().sleep_us(10);
  lock_a().unlock();
  waiter.join();
  EXPECT_FALSE(lock_a().is_held());
}

TEST_F(SharedLockTest, ADeadOwnerIsTakenOver) {
  ASSERT_EQ(lock_b().try_lock(false), LockOutcome::kAcquired);
  kill_b();
  EXPECT_EQ(lock_a().try_lock(false), LockOutcome::kNotNow);  // does not ask
  EXPECT_EQ(lock_a().lock(late()), LockOutcome::kOwnerDied);
  EXPECT_EQ(a_->control().commit_lock.holders_died.load(), 1u);
  lock_a().unlock();
  EXPECT_EQ(lock_a().try_lock(false), LockOutcome::kAcquired);
  lock_a().unlock();
}

TEST_F(SharedLockTest, AProbeFindsADeadOwnerAtOnce) {
  ASSERT_EQ(lock_b().try_lock(false), LockOutcome::kAcquired);
  kill_b();
  EXPECT_EQ(lock_a().try_lock(true), LockOutcome::kOwnerDied);
  lock_a().unlock();
}

TEST_F(SharedLockTest, ATakeOverKeepsTheWaitersInMind) {
  ASSERT_EQ(lock_b().try_lock(false), LockOutcome::kAcquired);
  kill_b();
  ASSERT_EQ(lock_a().try_lock(true), LockOutcome::kOwnerDied);
  EXPECT_NE(a_->control().commit_lock.word.load() & kWaitersBit, 0u);
  lock_a().unlock();
}

TEST_F(SharedLockTest, AnOwnerWhoseSlotIsUsedAgainIsDeadAllTheSame) {
  ASSERT_EQ(lock_b().try_lock(false), LockOutcome::kAcquired);
  const uint32_t owner = b_->attachment->owner();
  kill_b();
  const auto c = machine_.attach();
  ASSERT_EQ(owner_slot(c->attachment->owner()), owner_slot(owner));
  ASSERT_NE(owner_generation(c->attachment->owner()), owner_generation(owner));
  EXPECT_EQ(c->locks->commit.lock(late()), LockOutcome::kOwnerDied);
  c->locks->commit.unlock();
}

TEST_F(SharedLockTest, WhoDidNotRepairLeavesThatToTheNext) {
  ASSERT_EQ(lock_b().try_lock(false), LockOutcome::kAcquired);
  kill_b();
  ASSERT_EQ(lock_a().try_lock(true), LockOutcome::kOwnerDied);
  lock_a().unlock_unrepaired();
  EXPECT_TRUE(lock_a().is_held_by_other());
  EXPECT_THAT(std::string(lock_a().busy().message()), HasSubstr("an unknown process"));
  const auto c = machine_.attach();
  EXPECT_EQ(c->locks->commit.try_lock(false), LockOutcome::kNotNow);
  EXPECT_EQ(c->locks->commit.lock(late()), LockOutcome::kOwnerDied);
  c->locks->commit.unlock();
  EXPECT_EQ(lock_a().try_lock(false), LockOutcome::kAcquired);
  lock_a().unlock();
}

TEST_F(SharedLockTest, AGuardUnlocksOnce) {
  ASSERT_EQ(lock_a().try_lock(false), LockOutcome::kAcquired);
  {
    LockGuard guard(lock_a());
    guard.release();
    EXPECT_FALSE(lock_a().is_held());
    ASSERT_EQ(lock_b().try_lock(false), LockOutcome::kAcquired);
  }
  EXPECT_TRUE(lock_b().is_held());
  lock_b().unlock();
}

TEST_F(SharedLockTest, ThreadsOfOneHandleExcludeEachOther) {
  // Not one atomic increment: two threads inside at once would lose a count. Atomic all the same,
  // because ThreadSanitizer cannot see that two mappings of the lock are one.
  std::atomic<int> count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      SharedLock& lock = t % 2 == 0 ? lock_a() : lock_b();
      for (int i = 0; i < 500; ++i) {
        EXPECT_EQ(lock.lock(late()), LockOutcome::kAcquired);
        const int before = count.load(std::memory_order_relaxed);
        count.store(before + 1, std::memory_order_relaxed);
        lock.unlock();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count.load(), 2000);
}

TEST_F(SharedLockTest, ProcessesThatLiveAreCounted) {
  EXPECT_EQ(a_->attachment->processes_alive(), 2u);
  kill_b();
  EXPECT_EQ(a_->attachment->processes_alive(), 1u);
  EXPECT_FALSE(a_->attachment->owner_dead(a_->attachment->owner()));
}

TEST_F(SharedLockTest, ReadersOfTheDeadAreCleared) {
  Pins mine(*a_);
  const auto pinned = mine.pin(RootChoice::kLatest, false);
  ASSERT_TRUE(pinned);
  {
    Pins theirs(*b_);
    ASSERT_TRUE(theirs.pin(RootChoice::kLatest, true));  // never unpinned
  }
  a_->attachment->clear_dead_readers();
  const ControlBlock& control = a_->control();
  EXPECT_NE(control.readers[1].pin.load(), 0u);  // it lives
  kill_b();
  a_->attachment->clear_dead_readers();
  EXPECT_EQ(control.readers[1].pin.load(), 0u);
  EXPECT_EQ(control.readers[1].lsn.load(), 0u);
  EXPECT_EQ(control.readers[1].owner.load(), 0u);
  EXPECT_NE(control.readers[pinned->slot].pin.load(), 0u);
  mine.unpin(pinned->slot);
}

TEST_F(SharedLockTest, MoreReadersThanSlotsAreBusy) {
  Pins pins(*a_);
  for (uint32_t i = 0; i < kReaderSlots; ++i) {
    ASSERT_TRUE(pins.pin(RootChoice::kDurable, false)) << i;
  }
  const auto one_more = pins.pin(RootChoice::kDurable, false);
  EXPECT_EQ(one_more.status().code(), StatusCode::kBusy);
  pins.unpin(77);
  EXPECT_EQ((*pins.pin(RootChoice::kDurable, false)).slot, 77u);
  for (uint32_t i = 0; i < kReaderSlots; ++i) pins.unpin(i);
}

TEST_F(SharedLockTest, MoreHandlesThanSlotsAreBusy) {
  // Another description holds every slot that is left.
  auto file = machine_.os().open("/s/LOCK", os::OpenMode::kReadWrite);
  for (uint32_t slot = 0; slot < kProcessSlots; ++slot) {
    ASSERT_TRUE((*file)->lock_try(liveness_byte(slot), os::LockKind::kExclusive));
  }
  const auto third = machine_.try_open();
  EXPECT_EQ(third.status().code(), StatusCode::kBusy);
}

}  // namespace
}  // namespace holdfast::store
