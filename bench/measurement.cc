#include "bench/measurement.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <type_traits>

namespace holdfast::bench {

bool Measurement::has_figure(std::string_view name) const {
  return std::any_of(figures.begin(), figures.end(),
                     [name](const auto& figure) { return figure.first == name; });
}

std::optional<double> Measurement::find_figure(std::string_view name) const {
  if (name == "fairness") return slowest_rate / std::max(1e-9, fastest_rate);
  if (name == "p99_of_p50") return p99_us / std::max(1e-9, p50_us);
  for (const auto& [key, value] : figures) {
    if (key == name) return value;
  }
  std::optional<double> found;
  for_each_member(*this, [&](std::string_view member, const auto& value) {
    if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(value)>>) {
      if (member == name) found = static_cast<double>(value);
    }
  });
  return found;
}

// REQUIRES: processes and seconds are set, and the workers are dead.
void Measurement::set_board(const Board& board, uint32_t first) {
  const auto durations = std::make_unique<Histogram>();
  uint64_t slowest = ~uint64_t{0};
  uint64_t fastest = 0;
  for (uint32_t i = 0; i < processes; ++i) {
    const WorkerSlot& slot = board.workers[first + i];
    durations->merge(slot.durations);
    operations += slot.measured;
    acknowledged += slot.acknowledged;
    slowest = std::min(slowest, slot.measured);
    fastest = std::max(fastest, slot.measured);
    if (slot.waiting_max_ns == 0) continue;
    ++waiting;
    waiting_max_us = std::max(waiting_max_us, static_cast<double>(slot.waiting_max_ns) / 1000);
  }
  set_durations(*durations);
  rate = static_cast<double>(operations) / seconds;
  slowest_rate = static_cast<double>(slowest) / seconds;
  fastest_rate = static_cast<double>(fastest) / seconds;
  const double divisor = static_cast<double>(std::max<uint64_t>(operations, 1));
  syncs_per_operation = static_cast<double>(board.syncs.syncs) / divisor;
  verdict = board.verdict;
}

void Measurement::set_cpu(const CpuUse& cpu) {
  const double divisor = static_cast<double>(std::max<uint64_t>(operations, 1));
  cpu_us_per_operation = cpu.own_seconds * 1e6 / divisor;
  const double available = seconds * std::max(1u, std::thread::hardware_concurrency());
  other_cpu_share = std::max(0.0, cpu.total_seconds - cpu.own_seconds) / available;
  load_average = bench::load_average();
}

}  // namespace holdfast::bench
