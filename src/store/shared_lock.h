// SharedLock: a mutual exclusion between processes that survives the death of its owner.
//
// The word is 0 or names the owner's slot and generation. A waiter sleeps on the word with a
// timeout and, when that passes, asks the kernel whether the owner still lives; if not it takes
// the word over and is told so, because it must repair what the owner left half-done.
//
// Process- and thread-safety: any; not recursive.
// Invariants:
//   1. The word is only taken from an owner whose liveness byte is unlocked.
//   2. A taker-over keeps the waiters bit, so that no waiter is lost.
//   3. Every wait is timed.
//
// Holds are timed for the stats: each one where a hold is long, one of many where it lasts about a
// microsecond and asking the clock twice would be a part of it that is felt.
#pragma once

#include <cstdint>
#include <string>

#include "store/attachment.h"

namespace holdfast::store {

enum class LockOutcome : uint8_t {
  kAcquired,
  kOwnerDied,  // acquired; repair first
  kNotNow,     // try_lock: held by another; lock: the deadline passed
};

class SharedLock {
 public:
  // `holds_per_timing`: a power of two.
  SharedLock(os::Os& os, const Attachment& attachment, LockLine& line, const char* name,
             uint32_t holds_per_timing = 1)
      : os_(os),
        attachment_(attachment),
        line_(line),
        name_(name),
        timing_mask_(holds_per_timing - 1) {}

  LockOutcome lock(const Deadline& deadline);
  // Takes the lock if it is free, or, with `probe`, if its owner has died.
  LockOutcome try_lock(bool probe);
  void unlock();
  // Gives the lock up without having repaired: whoever comes next is told kOwnerDied again.
  void unlock_unrepaired();

  bool is_held() const { return line_.word.load() != 0; }
  // Whether somebody waits for it, or has lately.
  bool is_awaited() const;
  // Whether somebody other than this handle holds it.
  bool is_held_by_other() const;
  // "the commit lock is held by pid 12, state T (stopped)"
  Status busy() const;

 private:
  bool take_over(uint32_t word);
  LockOutcome sleep_until_locked(const Deadline& deadline);
  void begin_hold() {
    if ((holds_++ & timing_mask_) == 0) begin_timing();
  }
  void begin_timing();
  void end_timing();
  void note_wait(uint64_t began_us);
  os::Os& os_;
  const Attachment& attachment_;
  LockLine& line_;
  const char* const name_;
  const uint32_t timing_mask_;
  // Of this handle; used by the thread that holds the lock only.
  uint32_t holds_ = 0;
  bool timing_ = false;
  uint64_t timed_since_us_ = 0;
};

// Unlocks at the end of a scope.
class LockGuard {
 public:
  explicit LockGuard(SharedLock& lock) : lock_(&lock) {}
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;
  ~LockGuard() { release(); }
  void release() {
    if (lock_ != nullptr) lock_->unlock();
    lock_ = nullptr;
  }

 private:
  SharedLock* lock_;
};

}  // namespace holdfast::store
