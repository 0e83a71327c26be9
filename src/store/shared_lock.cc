#include "store/shared_lock.h"

#include "base/check.h"

namespace holdfast::store {
namespace {

// How long a waiter sleeps before it asks whether the owner lives. The price is paid only after
// a death inside the lock; the probe costs half a microsecond.
constexpr uint64_t kProbeIntervalUs = 5'000;
// The commit section lasts about a microsecond; sleeping and waking costs ten.
constexpr int kSpins = 64;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

void SharedLock::begin_timing() {
  timing_ = true;
  timed_since_us_ = os_.monotonic_time_us();
  line_.since_us.store(timed_since_us_, std::memory_order_relaxed);
}

// Dying in between, or being overtaken by a holder that believed this one dead, costs a figure.
void SharedLock::end_timing() {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  timing_ = false;
  const uint64_t held_us = os_.monotonic_time_us() - timed_since_us_;
  line_.holds_timed.store(line_.holds_timed.load(kRelaxed) + 1, kRelaxed);
  line_.held_us.store(line_.held_us.load(kRelaxed) + held_us, kRelaxed);
  if (held_us > line_.held_us_max.load(kRelaxed)) line_.held_us_max.store(held_us, kRelaxed);
}

void SharedLock::note_wait(uint64_t began_us) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const uint64_t waited_us = os_.monotonic_time_us() - began_us;
  line_.waits.store(line_.waits.load(kRelaxed) + 1, kRelaxed);
  line_.waited_us.store(line_.waited_us.load(kRelaxed) + waited_us, kRelaxed);
}

bool SharedLock::take_over(uint32_t word) {
  if (word == 0 || !attachment_.owner_dead(word)) return false;
  if (!line_.word.compare_exchange(word, attachment_.owner() | kWaitersBit)) return false;
  line_.holders_died.fetch_add(1);
  begin_timing();
  return true;
}

LockOutcome SharedLock::try_lock(bool probe) {
  uint32_t expected = 0;
  if (line_.word.compare_exchange(expected, attachment_.owner())) {
    begin_hold();
    return LockOutcome::kAcquired;
  }
  if (probe && take_over(expected)) return LockOutcome::kOwnerDied;
  return LockOutcome::kNotNow;
}

LockOutcome SharedLock::lock(const Deadline& deadline) {
  uint32_t expected = 0;
  if (line_.word.compare_exchange(expected, attachment_.owner())) {
    begin_hold();
    return LockOutcome::kAcquired;
  }
  for (int spin = 0; spin < kSpins; ++spin) {
    pause_briefly();
    expected = line_.word.load(std::memory_order_relaxed);
    if (expected == 0 && line_.word.compare_exchange(expected, attachment_.owner())) {
      begin_hold();
      return LockOutcome::kAcquired;
    }
  }
  const uint64_t began_us = os_.monotonic_time_us();
  const LockOutcome outcome = sleep_until_locked(deadline);
  if (outcome == LockOutcome::kAcquired) begin_hold();
  if (outcome != LockOutcome::kNotNow) note_wait(began_us);
  return outcome;
}

LockOutcome SharedLock::sleep_until_locked(const Deadline& deadline) {
  while (true) {
    uint32_t word = line_.word.load();
    if (word == 0) {
      if (line_.word.compare_exchange(word, attachment_.owner() | kWaitersBit)) {
        return LockOutcome::kAcquired;
      }
      continue;
    }
    if ((word & kWaitersBit) == 0 && !line_.word.compare_exchange(word, word | kWaitersBit)) {
      continue;
    }
    word |= kWaitersBit;
    const auto result = os_.futex_wait(line_.word, word, deadline.wait_us(kProbeIntervalUs));
    if (result == os::WaitResult::kTimedOut) {
      if (take_over(line_.word.load())) return LockOutcome::kOwnerDied;
      if (deadline.passed()) return LockOutcome::kNotNow;
    }
  }
}

void SharedLock::unlock() {
  if (timing_) end_timing();
  const uint32_t word = line_.word.exchange(0);
  // The word is gone with the memory that it was in; what others have of it they take over.
  CHECK((word | kWaitersBit) == (attachment_.owner() | kWaitersBit) ||
        os_.has_lost_shared_memory());
  if ((word & kWaitersBit) != 0) os_.futex_wake(line_.word, 1);
}

void SharedLock::unlock_unrepaired() {
  timing_ = false;
  // A word that names no slot that can exist: dead by definition.
  constexpr uint32_t kNobody = 0x3ffu << 2 | kWaitersBit;
  static_assert(owner_slot(kNobody) >= kProcessSlots);
  line_.word.store(kNobody);
  os_.futex_wake(line_.word, 1);
}

bool SharedLock::is_held_by_other() const {
  const uint32_t word = line_.word.load();
  return word != 0 && (word | kWaitersBit) != (attachment_.owner() | kWaitersBit);
}

bool SharedLock::is_awaited() const {
  return (line_.word.load(std::memory_order_relaxed) & kWaitersBit) != 0;
}

Status SharedLock::busy() const {
  const uint32_t word = line_.word.load();
  std::string message = std::string("the ") + name_ + " lock is held by " +
                        (word == 0 ? "nobody any more" : attachment_.describe(word)) +
                        "; resume or end that process, or try again";
  return Status(StatusCode::kBusy, std::move(message));
}

}  // namespace holdfast::store
