// Board: what the workers of one run and the process that drives them share: the window that is
// measured, each worker's ledger of what it began and what was acknowledged, and its durations.
// It lies in shared memory, so a SIGKILL at any moment leaves it exact.
//
// Process-safe: each WorkerSlot has one writer; the driver reads histograms when that is dead.
#pragma once

#include <atomic>
#include <cstdint>

#include "bench/histogram.h"
#include "bench/sync_counter.h"

namespace holdfast::bench {

constexpr uint32_t kWorkersMax = 128;

struct alignas(64) WorkerSlot {
  std::atomic<uint64_t> started{0};       // operations begun
  std::atomic<uint64_t> acknowledged{0};  // operations whose call returned
  std::atomic<uint64_t> waiting_since_ns{0};
  uint64_t measured = 0;        // operations that ended inside the window
  uint64_t waiting_max_ns = 0;  // age of the operation that was still waiting at its end
  Histogram durations;
};

struct Verdict {
  uint64_t checked = 0;
  uint64_t lost = 0;    // acknowledged and absent
  uint64_t wrong = 0;   // present with another value
  uint64_t ghosts = 0;  // present and never begun

  Verdict& operator+=(const Verdict& other) {
    checked += other.checked;
    lost += other.lost;
    wrong += other.wrong;
    ghosts += other.ghosts;
    return *this;
  }
  bool clean() const { return lost == 0 && wrong == 0 && ghosts == 0; }
};

struct Board {
  SyncCounter syncs;
  std::atomic<uint32_t> ready{0};
  Verdict verdict;
  WorkerSlot workers[kWorkersMax];

  Window& window() { return syncs.window; }
};

// Runs one operation and books it. A duration counts when the operation ended inside the window;
// one that was begun inside and ended later counts with its full age.
template <typename Operation>
void timed(Board& board, WorkerSlot& slot, const Operation& operation) {
  const uint64_t begin_ns = monotonic_ns();
  slot.waiting_since_ns.store(begin_ns, std::memory_order_relaxed);
  operation();
  const uint64_t end_ns = monotonic_ns();
  slot.waiting_since_ns.store(0, std::memory_order_relaxed);
  const uint64_t duration_ns = end_ns - begin_ns;
  if (board.window().holds(end_ns)) {
    ++slot.measured;
    slot.durations.record(duration_ns);
  } else if (end_ns >= board.window().end_ns && begin_ns < board.window().end_ns) {
    slot.waiting_max_ns = duration_ns;
    slot.durations.record(duration_ns);
  }
}

}  // namespace holdfast::bench
