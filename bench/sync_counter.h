// SyncCounter: counts what the process and its libraries ask of the disk. sync_counter.cc defines
// fdatasync, fsync, msync and, for writes through O_DSYNC descriptors, open and pwrite; every
// library of the program calls these instead of libc's.
//
// Process-safe when the counter lies in shared memory.
#pragma once

#include <atomic>
#include <cstdint>

namespace holdfast::bench {

// [begin, end) in monotonic nanoseconds; nothing is counted outside.
struct Window {
  std::atomic<uint64_t> begin_ns{~uint64_t{0}};
  std::atomic<uint64_t> end_ns{~uint64_t{0}};

  bool holds(uint64_t time_ns) const {
    return time_ns >= begin_ns.load(std::memory_order_relaxed) &&
           time_ns < end_ns.load(std::memory_order_relaxed);
  }
};

struct SyncCounter {
  Window window;
  std::atomic<uint64_t> syncs{0};
};

// From now on this process and its children count into `counter`; null stops it.
void count_syncs_in(SyncCounter* counter);

uint64_t monotonic_ns();

}  // namespace holdfast::bench
