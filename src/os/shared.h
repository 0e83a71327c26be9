// Shared<T>: one lock-free atomic in memory that several processes map. Every access goes through
// here so that the simulated machine can switch process, kill it, or cut the power at that step.
//
// Who: store/ for the control block. Process- and thread-safe.
// Invariants:
//   1. In production a step costs one load and a never-taken branch.
//   2. The hook runs before the access; a process killed there has not made it.
//   3. The hook returns into the function that makes the access, optimised or not: tests tell the
//      places of a program by that.
#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast::os {

enum class Step : uint8_t { kSharedLoad, kSharedStore };

// Set by the simulated machine only, while it runs; never in production. `address` is what is
// about to be accessed.
inline void (*shared_step_hook)(Step step, const void* address) = nullptr;

[[gnu::always_inline]] inline void shared_step(Step step, const void* address) {
  if (__builtin_expect(shared_step_hook != nullptr, 0)) shared_step_hook(step, address);
}

template <typename T>
class Shared {
 public:
  static_assert(std::atomic<T>::is_always_lock_free);

  [[gnu::always_inline]] T load(std::memory_order order = std::memory_order_acquire) const {
    shared_step(Step::kSharedLoad, &value_);
    return value_.load(order);
  }
  [[gnu::always_inline]] void store(T value, std::memory_order order = std::memory_order_release) {
    shared_step(Step::kSharedStore, &value_);
    value_.store(value, order);
  }
  [[gnu::always_inline]] T exchange(T value) {
    shared_step(Step::kSharedStore, &value_);
    return value_.exchange(value);
  }
  [[gnu::always_inline]] bool compare_exchange(T& expected, T desired) {
    shared_step(Step::kSharedStore, &value_);
    return value_.compare_exchange_strong(expected, desired);
  }
  [[gnu::always_inline]] T fetch_add(T value) {
    shared_step(Step::kSharedStore, &value_);
    return value_.fetch_add(value);
  }
  [[gnu::always_inline]] T fetch_or(T value) {
    shared_step(Step::kSharedStore, &value_);
    return value_.fetch_or(value);
  }
  [[gnu::always_inline]] T fetch_and(T value) {
    shared_step(Step::kSharedStore, &value_);
    return value_.fetch_and(value);
  }

  // The address a futex waits on.
  const void* address() const { return &value_; }

 private:
  std::atomic<T> value_{};
};

static_assert(sizeof(Shared<uint32_t>) == 4 && sizeof(Shared<uint64_t>) == 8);

}  // namespace holdfast::os
