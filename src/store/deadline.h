// Deadline: the moment until which an operation may wait. All waits in store/ are bounded.
#pragma once

#include <algorithm>
#include <cstdint>

#include "os/os.h"

namespace holdfast::store {

class Deadline {
 public:
  Deadline(os::Os& os, uint64_t duration_us)
      : os_(os), end_us_(os.monotonic_time_us() + duration_us) {}

  bool passed() const { return os_.monotonic_time_us() >= end_us_; }
  // How long to wait at once: at most `step_us`, at least 1.
  uint64_t wait_us(uint64_t step_us) const {
    const uint64_t now_us = os_.monotonic_time_us();
    return now_us >= end_us_ ? 1 : std::min(step_us, end_us_ - now_us);
  }

 private:
  os::Os& os_;
  uint64_t end_us_;
};

}  // namespace holdfast::store
