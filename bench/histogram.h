// Histogram: log-linear counts of durations. 64 steps per doubling: a percentile is off by less
// than 1 %; minimum and maximum are exact.
//
// Thread-safety: one writer. It may live in shared memory and be read when its writer is dead.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace holdfast::bench {

class Histogram {
 public:
  void record(uint64_t value_ns) {
    ++counts_[bucket_of(value_ns)];
    ++count_;
    sum_ns_ += value_ns;
    if (value_ns > max_ns_) max_ns_ = value_ns;
  }

  void merge(const Histogram& other) {
    for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ns_ += other.sum_ns_;
    if (other.max_ns_ > max_ns_) max_ns_ = other.max_ns_;
  }

  uint64_t count() const { return count_; }
  uint64_t max_ns() const { return max_ns_; }
  uint64_t mean_ns() const { return count_ == 0 ? 0 : sum_ns_ / count_; }

  // The smallest duration that `share` (0 to 1) of all are not above; 0 when empty.
  uint64_t percentile_ns(double share) const {
    const double wanted = share * static_cast<double>(count_);
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (counts_[i] != 0 && static_cast<double>(seen) >= wanted) {
        const uint64_t middle = (bucket_begin(i) + bucket_begin(i + 1)) / 2;
        return middle < max_ns_ ? middle : max_ns_;
      }
    }
    return max_ns_;
  }

 private:
  static constexpr int kStepBits = 6;
  static constexpr size_t kSteps = size_t{1} << kStepBits;
  static constexpr int kBitsMax = 42;  // 73 minutes
  static constexpr size_t kBuckets = (kBitsMax - kStepBits + 1) * kSteps;

  // Below 64 every value has its bucket; above, the 6 bits after the leading one choose the step.
  static size_t bucket_of(uint64_t value) {
    if (value < kSteps) return value;
    const int shift = static_cast<int>(std::bit_width(value)) - 1 - kStepBits;
    const size_t bucket = (static_cast<size_t>(shift) + 1) * kSteps + ((value >> shift) - kSteps);
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }

  static uint64_t bucket_begin(size_t bucket) {
    if (bucket < kSteps) return bucket;
    return (kSteps + bucket % kSteps) << (bucket / kSteps - 1);
  }

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t count_ = 0;
  uint64_t sum_ns_ = 0;
  uint64_t max_ns_ = 0;
};

}  // namespace holdfast::bench
