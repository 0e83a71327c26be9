// Counts of durations, log-linear: 16 buckets for each power of two, so that a quantile is at most
// 6 % off. Lives in shared memory; any number of processes and threads may record at once.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace holdfast::process {

class Histogram {
 public:
  void record(uint64_t value) {
    counts_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
    uint64_t seen = max_.load(std::memory_order_relaxed);
    while (value > seen && !max_.compare_exchange_weak(seen, value)) {
    }
  }

  uint64_t count() const {
    uint64_t sum = 0;
    for (const auto& count : counts_) sum += count.load(std::memory_order_relaxed);
    return sum;
  }
  uint64_t max() const { return max_.load(std::memory_order_relaxed); }

  // The upper end of the bucket that holds the `fraction` quantile; 0 when nothing was recorded.
  uint64_t quantile(double fraction) const {
    uint64_t total = count();
    if (total == 0) return 0;
    uint64_t wanted = static_cast<uint64_t>(fraction * static_cast<double>(total - 1)) + 1;
    uint64_t sum = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      sum += counts_[i].load(std::memory_order_relaxed);
      if (sum >= wanted) return upper_end(i) < max() ? upper_end(i) : max();
    }
    return max();
  }

  static size_t bucket_of(uint64_t value) {
    if (value < kSteps) return value;
    int shift = static_cast<int>(std::bit_width(value)) - 1 - kStepBits;
    return static_cast<size_t>(shift + 1) * kSteps + ((value >> shift) & (kSteps - 1));
  }
  static uint64_t upper_end(size_t bucket) {
    if (bucket < kSteps) return bucket;
    size_t shift = bucket / kSteps - 1;
    uint64_t lower = (kSteps + bucket % kSteps) << shift;
    return lower + ((uint64_t{1} << shift) - 1);
  }

 private:
  static constexpr int kStepBits = 4;
  static constexpr size_t kSteps = size_t{1} << kStepBits;
  std::array<std::atomic<uint64_t>, (64 - kStepBits + 1)* kSteps> counts_ = {};
  std::atomic<uint64_t> max_ = 0;
};

}  // namespace holdfast::process
