// Measurement: what one run of one engine showed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/board.h"
#include "bench/histogram.h"
#include "bench/machine.h"

namespace holdfast::bench {

struct Measurement {
  std::string of_case;  // "W4": what main.cc ran, and for how many workers
  uint32_t case_workers = 0;
  uint64_t case_keys = 0;
  std::string workload;  // "W1", "W4 scan of 100"
  std::string engine;
  std::string options;
  uint32_t processes = 0;  // or threads
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

  // By the name that it has in JSON and in goals.
  std::optional<double> find_figure(std::string_view name) const;
  double figure(std::string_view name) const { return find_figure(name).value_or(0); }
  bool has_figure(std::string_view name) const;

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

// The members that have a name, in the order of the JSON lines: visit(name, member).
template <typename Run, typename Visitor>
void for_each_member(Run& run, const Visitor& visit) {
  visit("case", run.of_case);
  visit("case_workers", run.case_workers);
  visit("case_keys", run.case_keys);
  visit("workload", run.workload);
  visit("engine", run.engine);
  visit("options", run.options);
  visit("processes", run.processes);
  visit("repetition", run.repetition);
  visit("seconds", run.seconds);
  visit("operations", run.operations);
  visit("operations_per_second", run.rate);
  visit("slowest_worker_per_second", run.slowest_rate);
  visit("fastest_worker_per_second", run.fastest_rate);
  visit("p50_us", run.p50_us);
  visit("p99_us", run.p99_us);
  visit("max_us", run.max_us);
  visit("syncs_per_operation", run.syncs_per_operation);
  visit("waiting", run.waiting);
  visit("waiting_max_us", run.waiting_max_us);
  visit("idle_sync_us", run.idle_sync_us);
  visit("cpu_us_per_operation", run.cpu_us_per_operation);
  visit("other_cpu_share", run.other_cpu_share);
  visit("load_average", run.load_average);
  visit("acknowledged", run.acknowledged);
  visit("checked", run.verdict.checked);
  visit("lost", run.verdict.lost);
  visit("wrong", run.verdict.wrong);
  visit("ghosts", run.verdict.ghosts);
}

}  // namespace holdfast::bench
