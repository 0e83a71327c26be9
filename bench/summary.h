// Summaries: the measurements of a run, gathered by workload, number of workers and engine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/measurement.h"

namespace holdfast::bench {

// The repetitions of one workload, process count and engine.
struct Summary {
  std::string workload;
  uint32_t processes = 0;
  std::string engine;
  std::string options;
  std::vector<Measurement> runs;

  double median(std::string_view figure) const;
  double least(std::string_view figure) const;
  double most(std::string_view figure) const;
  uint64_t bad() const;  // rows lost, wrong, or never written
};

class Summaries {
 public:
  using Title = std::pair<std::string, uint32_t>;  // workload and processes

  void add(const Measurement& run);
  const Summary* find(std::string_view workload, uint32_t processes, std::string_view engine) const;
  const std::vector<Summary>& all() const { return all_; }
  // Every title once, in the order of their workloads' names.
  std::vector<Title> titles() const;
  std::vector<const Summary*> of(const Title& title) const;
  bool clean() const;

 private:
  std::vector<Summary> all_;
};

}  // namespace holdfast::bench
