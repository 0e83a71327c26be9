// One JSON object a line: the head of the run, then every measurement.
#include <cstdio>

#include "bench/report.h"

namespace holdfast::bench {
namespace {

class JsonObject {
 public:
  void add(const std::string& name, const std::string& text) {
    add_name(name);
    add_text(text);
  }
  void add(const std::string& name, double number) {
    add_name(name);
    char text[40];
    std::snprintf(text, sizeof(text), "%.10g", number);
    line_ += text;
  }
  void add(const std::string& name, uint64_t number) {
    add_name(name);
    line_ += std::to_string(number);
  }
  std::string take() { return line_ + "}"; }

 private:
  void add_name(const std::string& name) {
    if (line_.size() > 1) line_ += ", ";
    add_text(name);
    line_ += ": ";
  }
  void add_text(const std::string& text) {
    line_ += '"';
    for (char c : text) {
      if (c == '"' || c == '\\') line_ += '\\';
      line_ += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    line_ += '"';
  }

  std::string line_ = "{";
};

}  // namespace

std::string json_line(const Header& header) {
  JsonObject object;
  for (const auto& [name, text] : header) object.add(name, text);
  return object.take();
}

std::string json_line(const Measurement& run) {
  JsonObject object;
  object.add("workload", run.workload);
  object.add("engine", run.engine);
  object.add("options", run.options);
  object.add("processes", uint64_t{run.processes});
  object.add("repetition", uint64_t{run.repetition});
  object.add("seconds", run.seconds);
  object.add("operations", run.operations);
  object.add("operations_per_second", run.rate);
  object.add("slowest_worker_per_second", run.slowest_rate);
  object.add("fastest_worker_per_second", run.fastest_rate);
  object.add("p50_us", run.p50_us);
  object.add("p99_us", run.p99_us);
  object.add("max_us", run.max_us);
  object.add("syncs_per_operation", run.syncs_per_operation);
  object.add("waiting", run.waiting);
  object.add("waiting_max_us", run.waiting_max_us);
  object.add("idle_sync_us", run.idle_sync_us);
  object.add("cpu_us_per_operation", run.cpu_us_per_operation);
  object.add("other_cpu_share", run.other_cpu_share);
  object.add("load_average", run.load_average);
  object.add("acknowledged", run.acknowledged);
  object.add("checked", run.verdict.checked);
  object.add("lost", run.verdict.lost);
  object.add("wrong", run.verdict.wrong);
  object.add("ghosts", run.verdict.ghosts);
  for (const auto& [name, value] : run.figures) object.add(name, value);
  return object.take();
}

}  // namespace holdfast::bench
