// Shared<T>: one lock-free atomic in memory that several processes map. Every access goes through
// here so that the simulated machine can switch process, kill it, or cut the power at that step.
//
// Who: store/ for the control block. Process- and thread-safe.
// Invariants:
//   1. In production a step costs one load and a never-taken branch.
//   2. The hook runs before the access; a process killed there has not made it.
#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast::os {

enum class Step : uint8_t { kSharedLoad, kSharedStore };

// Set by the simulated machine only, while it runs; never in production. `address` is what is
// about to be accessed.
inline void (*shared_step_hook)(Step step, const void* address) = nullptr;

inline void shared_step(Step step, const void* address) {
  if (__builtin_expect(shared_step_hook != nullptr, 0)) shared_step_hook(step, address);
}

template <typename T>
class Shared {
 public:
  static_assert(std::atomic<T>::is_always_lock_free);

  T load(std::memory_order order = std::memory_order_acquire) const {
    shared_step(Step::kSharedLoad, &value_);
    return value_.load(order);
  }
  void store(T value, std::memory_order order = std::memory_order_release) {
    shared_step(Step::kSharedStore, &value_);
    value_.store(value, order);
  }
  T exchange(T value) {
    shared_step(Step::kSharedStore, &value_);
    return value_.exchange(value);
  }
  bool compare_exchange(T& expected, T desired) {
    shared_step(Step::kSharedStore, &value_);
    return value_.compare_exchange_strong(expected, desired);
  }
  T fetch_add(T value) {
    shared_step(Step::kSharedStore, &value_);
    return value_.fetch_add(value);
  }
  T fetch_or(T value) {
    shared_step(Step::kSharedStore, &value_);
    return value_.fetch_or(value);
  }
  T fetch_and(T value) {
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
