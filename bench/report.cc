#include "bench/report.h"

#include <algorithm>
#include <array>

#include "bench/engine.h"
#include "bench/table.h"

namespace holdfast::bench {
namespace {

constexpr std::array kColumns{
    "engine",   "per second",         "min..max",   "p50 us", "p99 us",  "max us", "x group",
    "syncs/op", "slowest..fastest/s", "waiting us", "cpu us", "idle us", "others", "bad"};

constexpr const char* kLegend =
    R"(Medians of the repetitions; min..max, max, waiting and bad are over all of them.
  x group: rate beside the group floor's. waiting: age of the oldest operation that had not ended
  with the window. idle: fdatasync of the quiet machine just before. others: the share of the
  machine's cores that other processes used. bad: rows lost, wrong or never written, found after
  SIGKILL of all workers at full load.
)";

double figure_of(const Measurement& run, const std::string& name) {
  for (const auto& [key, value] : run.figures) {
    if (key == name) return value;
  }
  return 0;
}

double rate_of(const Measurement& run) {
  return run.rate;
}

}  // namespace

double Summary::median(const Figure& figure) const {
  std::vector<double> figures;
  for (const Measurement& run : runs) figures.push_back(figure(run));
  std::sort(figures.begin(), figures.end());
  const size_t middle = figures.size() / 2;
  return figures.size() % 2 != 0 ? figures[middle] : (figures[middle - 1] + figures[middle]) / 2;
}

double Summary::least(const Figure& figure) const {
  double least = figure(runs.front());
  for (const Measurement& run : runs) least = std::min(least, figure(run));
  return least;
}

double Summary::most(const Figure& figure) const {
  double most = figure(runs.front());
  for (const Measurement& run : runs) most = std::max(most, figure(run));
  return most;
}

Report::Report(Header header, const std::string& json_path)
    : header_(std::move(header)),
      json_(json_path.empty() ? stdout : std::fopen(json_path.c_str(), "w")) {
  require(json_ != nullptr, "cannot write " + json_path);
  std::fprintf(json_, "%s\n", json_line(header_).c_str());
}

Report::~Report() {
  if (json_ != stdout) std::fclose(json_);
}

void Report::add(const Measurement& measurement) {
  std::fprintf(json_, "%s\n", json_line(measurement).c_str());
  std::fflush(json_);
  std::fprintf(stderr, "%u: %s, %u workers, %s: %s/s, p50 %s us\n", measurement.repetition + 1,
               measurement.workload.c_str(), measurement.processes, measurement.engine.c_str(),
               readable(measurement.rate).c_str(), readable(measurement.p50_us).c_str());
  for (Summary& summary : summaries_) {
    if (summary.workload == measurement.workload && summary.processes == measurement.processes &&
        summary.engine == measurement.engine) {
      summary.runs.push_back(measurement);
      return;
    }
  }
  summaries_.push_back({measurement.workload,
                        measurement.processes,
                        measurement.engine,
                        measurement.options,
                        {measurement}});
}

const Summary* Report::find(const std::string& workload, uint32_t processes,
                            const std::string& engine) const {
  for (const Summary& summary : summaries_) {
    if (summary.workload == workload && summary.processes == processes &&
        summary.engine == engine) {
      return &summary;
    }
  }
  return nullptr;
}

bool Report::clean() const {
  for (const Summary& summary : summaries_) {
    for (const Measurement& run : summary.runs) {
      if (!run.verdict.clean()) return false;
    }
  }
  return true;
}

std::vector<std::string> Report::row_of(const Summary& summary,
                                        const std::vector<std::string>& figures) const {
  std::vector<std::string> row = basic_row_of(summary);
  for (const std::string& name : figures) {
    const bool has =
        std::any_of(summary.runs.front().figures.begin(), summary.runs.front().figures.end(),
                    [&](const auto& figure) { return figure.first == name; });
    row.push_back(
        has ? readable(summary.median([&](const Measurement& run) { return figure_of(run, name); }))
            : kNothing);
  }
  return row;
}

std::vector<std::string> Report::basic_row_of(const Summary& summary) const {
  const auto text = [&](auto member) {
    return readable(summary.median([member](const Measurement& run) { return run.*member; }));
  };
  const auto most = [&](auto member) {
    return readable(summary.most([member](const Measurement& run) { return run.*member; }));
  };
  uint64_t bad = 0;
  for (const Measurement& run : summary.runs) {
    bad += run.verdict.lost + run.verdict.wrong + run.verdict.ghosts;
  }
  std::vector<std::string> row{summary.engine,
                               kNothing,
                               kNothing,
                               text(&Measurement::p50_us),
                               text(&Measurement::p99_us),
                               most(&Measurement::max_us)};
  row.resize(kColumns.size(), kNothing);
  row.back() = std::to_string(bad);
  const double rate = summary.median(rate_of);
  if (rate <= 0) return row;
  row[1] = readable(rate);
  if (summary.runs.size() > 1) {
    row[2] = readable(summary.least(rate_of)) + ".." + readable(summary.most(rate_of));
  }
  if (const Summary* floor = find(summary.workload, summary.processes, "group_floor")) {
    row[6] = readable(rate / floor->median(rate_of));
  }
  const double syncs = summary.most([](const Measurement& run) { return run.syncs_per_operation; });
  if (syncs > 0) row[7] = text(&Measurement::syncs_per_operation);
  if (summary.processes > 1) {
    row[8] = text(&Measurement::slowest_rate) + ".." + text(&Measurement::fastest_rate);
    row[9] = most(&Measurement::waiting_max_us);
  }
  row[10] = text(&Measurement::cpu_us_per_operation);
  row[11] = text(&Measurement::idle_sync_us);
  row[12] =
      readable(100 * summary.median([](const Measurement& run) { return run.other_cpu_share; })) +
      "%";
  return row;
}

void Report::print_head() const {
  std::printf("\n");
  for (const auto& [name, text] : header_) std::printf("%-12s %s\n", name.c_str(), text.c_str());
  std::vector<std::string> said;
  for (const Summary& summary : summaries_) {
    const std::string line = summary.engine + ": " + summary.options;
    if (std::find(said.begin(), said.end(), line) != said.end()) continue;
    said.push_back(line);
    std::printf("%-12s %s\n", "engine", line.c_str());
  }
  std::printf("%s", kLegend);
}

std::vector<std::string> Report::figure_names(const std::string& workload) const {
  std::vector<std::string> names;
  for (const Summary& summary : summaries_) {
    if (summary.workload != workload) continue;
    for (const auto& [name, value] : summary.runs.front().figures) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

void Report::print_table() const {
  print_head();
  std::vector<std::pair<std::string, uint32_t>> titles;
  for (const Summary& summary : summaries_) {
    const std::pair title(summary.workload, summary.processes);
    if (std::find(titles.begin(), titles.end(), title) == titles.end()) titles.push_back(title);
  }
  for (const auto& [workload, processes] : titles) {
    std::printf("\n%s, %u worker%s\n", workload.c_str(), processes, processes == 1 ? "" : "s");
    const std::vector<std::string> figures = figure_names(workload);
    std::vector<std::string> columns(kColumns.begin(), kColumns.end());
    columns.insert(columns.end(), figures.begin(), figures.end());
    Table table(std::move(columns));
    for (const Summary& summary : summaries_) {
      if (summary.workload == workload && summary.processes == processes) {
        table.add(row_of(summary, figures));
      }
    }
    table.print();
  }
}

void Report::print_latency_goal(const std::string& workload, double limit_us) const {
  const Summary* ours = find(workload, 1, "holdfast");
  if (ours == nullptr) return;
  const double us = ours->median([](const Measurement& run) { return run.p50_us; });
  std::printf("  %-4s %s: median %s us (<= %s)\n", us <= limit_us ? "met" : "NOT", workload.c_str(),
              readable(us).c_str(), readable(limit_us).c_str());
}

void Report::print_commit_goals() const {
  const auto above_idle = [](const Measurement& run) { return run.p50_us - run.idle_sync_us; };
  if (const Summary* one = find("W1", 1, "holdfast")) {
    const double us = one->median(above_idle);
    std::printf("  %-4s W1, 1 process: p50 - idle fdatasync = %.1f us (<= 20)",
                us <= 20 ? "met" : "NOT", us);
    if (const Summary* floor = find("W1", 1, "floor")) {
      std::printf("; the floor's: %.1f us", floor->median(above_idle));
    }
    std::printf("\n");
  }
  const Summary* ten = find("W1", 10, "holdfast");
  if (ten == nullptr) return;
  const double rate = ten->median(rate_of);
  const double per_sync =
      1 /
      std::max(1e-9, ten->median([](const Measurement& run) { return run.syncs_per_operation; }));
  std::printf("  %-4s W1, 10 processes: %.2f commits per fdatasync (>= 4)\n",
              per_sync >= 4 ? "met" : "NOT", per_sync);
  for (const char* name : {"sqlite", "sqlite_queued"}) {
    const Summary* peer = find("W1", 10, name);
    if (peer == nullptr) continue;
    const double ratio = rate / peer->median(rate_of);
    std::printf("  %-4s W1, 10 processes: %.2f x %s FULL (>= 4)\n", ratio >= 4 ? "met" : "NOT",
                ratio, name);
  }
  if (const Summary* floor = find("W1", 10, "group_floor")) {
    const double ratio = rate / floor->median(rate_of);
    std::printf("  %-4s W1, 10 processes: %.2f x group floor (>= 0.6)\n",
                ratio >= 0.6 ? "met" : "NOT", ratio);
  }
  const double fairness = ten->least(
      [](const Measurement& run) { return run.slowest_rate / std::max(1e-9, run.fastest_rate); });
  std::printf(
      "  %-4s W1, 10 processes: slowest / fastest writer %.2f (no writer starves: >= 0.5)\n",
      fairness >= 0.5 ? "met" : "NOT", fairness);
}

void Report::print_goals() const {
  std::printf("\nWhat is asked of Holdfast\n");
  print_commit_goals();
  print_latency_goal("W4 get, transaction each", 1);
  print_latency_goal("W4 get, snapshot held", 1);
  print_latency_goal("W6 open", 150);
  print_latency_goal("W6 open, store in use", 150);
  std::printf("  %-4s no acknowledged row lost, none wrong, no ghost, in any engine\n",
              clean() ? "met" : "NOT");
}

}  // namespace holdfast::bench
