// What a program of once.cc does and says: the other end of bench/workloads/short_lives.
#pragma once

#include <cstdint>

namespace holdfast::bench {

constexpr uint64_t kOnceRows = 10'000;  // rows (0, 0) and on that are there to be read
constexpr uint32_t kOnceWriter = 7;     // whose rows are put

// What "open" prints, in nanoseconds, in this order.
struct OnceSample {
  uint64_t open_ns = 0;
  uint64_t get_ns = 0;
  uint64_t put_ns = 0;
  uint64_t close_ns = 0;
  uint64_t process_ns = 0;  // from before the fork until it is gone; not printed
};

}  // namespace holdfast::bench
