// Report: keeps all measurements; writes each as a JSON line at once, and the table and the
// comparison with what is asked of Holdfast at the end.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "bench/machine.h"
#include "bench/measurement.h"

namespace holdfast::bench {

// Medians over the repetitions of one workload, process count and engine.
struct Summary {
  std::string workload;
  uint32_t processes = 0;
  std::string engine;
  std::string options;
  std::vector<Measurement> runs;

  using Figure = std::function<double(const Measurement&)>;
  double median(const Figure& figure) const;
  double least(const Figure& figure) const;
  double most(const Figure& figure) const;
};

class Report {
 public:
  Report(Header header, const std::string& json_path);
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;
  ~Report();

  void add(const Measurement& measurement);
  void print_table() const;
  // What was asked of Holdfast, beside what was measured.
  void print_goals() const;
  // True when nothing acknowledged was lost, wrong or a ghost, in any engine.
  bool clean() const;

 private:
  const Summary* find(const std::string& workload, uint32_t processes,
                      const std::string& engine) const;
  void print_commit_goals() const;
  void print_latency_goal(const std::string& workload, double limit_us) const;
  void print_head() const;
  std::vector<std::string> figure_names(const std::string& workload) const;
  std::vector<std::string> row_of(const Summary& summary,
                                  const std::vector<std::string>& figures) const;
  std::vector<std::string> basic_row_of(const Summary& summary) const;

  Header header_;
  std::FILE* json_;
  std::vector<Summary> summaries_;
};

std::string json_line(const Measurement& measurement);
std::string json_line(const Header& header);

}  // namespace holdfast::bench
