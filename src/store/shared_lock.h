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
  SharedLock(os::Os& os, const Attachment& attachment, LockLine& line, const char* name)
      : os_(os), attachment_(attachment), line_(line), name_(name) {}

  LockOutcome lock(const Deadline& deadline);
  // Takes the lock if it is free, or, with `probe`, if its owner has died.
  LockOutcome try_lock(bool probe);
  void unlock();
  // Gives the lock up without having repaired: whoever comes next is told kOwnerDied again.
  void unlock_unrepaired();

  bool is_held() const { return line_.word.load() != 0; }
  // Whether somebody other than this handle holds it.
  bool is_held_by_other() const;
  // "the commit lock is held by pid 12, state T (stopped)"
  Status busy() const;

 private:
  bool take_over(uint32_t word);
  os::Os& os_;
  const Attachment& attachment_;
  LockLine& line_;
  const char* const name_;
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
