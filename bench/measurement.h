// Measurement: what one run of one engine showed.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/board.h"
#include "bench/histogram.h"
#include "bench/machine.h"

namespace holdfast::bench {

struct Measurement {
  std::string workload;  // "W1", "W4 scan of 100"
  std::string engine;
  std::string options;
  uint32_t processes = 0;
  uint32_t repetition = 0;

  double seconds = 0;  // 0: durations only, no rate
  uint64_t operations = 0;
  double rate = 0;          // operations per second
  double slowest_rate = 0;  // of one worker
  double fastest_rate = 0;
  double p50_us = 0;
  double p99_us = 0;
  double max_us = 0;
  double syncs_per_operation = 0;
  uint64_t waiting = 0;       // operations that still waited at the end
  double waiting_max_us = 0;  // the oldest of them

  double idle_sync_us = 0;
  double cpu_us_per_operation = 0;
  double other_cpu_share = 0;  // of the machine's cores, used by others meanwhile
  double load_average = 0;
  uint64_t acknowledged = 0;
  Verdict verdict;
  // What only some workloads measure; names end with the unit.
  std::vector<std::pair<std::string, double>> figures;

  void set_durations(const Histogram& durations) {
    p50_us = static_cast<double>(durations.percentile_ns(0.5)) / 1000;
    p99_us = static_cast<double>(durations.percentile_ns(0.99)) / 1000;
    max_us = static_cast<double>(durations.max_ns()) / 1000;
  }
  // Everything that the workers left on the board: `processes` of them, from `first` on.
  void set_board(const Board& board, uint32_t first = 0);
  // After set_board.
  void set_cpu(const CpuUse& cpu);
};

}  // namespace holdfast::bench
