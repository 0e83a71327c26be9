#include "bench/report.h"

#include <algorithm>

#include "bench/engine.h"
#include "bench/goals.h"

namespace holdfast::bench {
namespace {

constexpr std::string_view kRate = "operations_per_second";

constexpr const char* kLegend =
    R"(Medians of the repetitions; min..max, max, waiting and bad are over all of them.
x group: rate beside the group floor's. waiting: age of the oldest operation that had not ended
with the window. idle: fdatasync of the quiet machine just before. others: the share of the
machine's cores that other processes used. bad: rows lost, wrong or never written, found after
SIGKILL of all workers at full load.
)";

struct Column {
  const char* title;
  std::string (*text)(const Summary& summary);
};

std::string median_unless_zero(const Summary& summary, std::string_view figure) {
  return summary.most(figure) <= 0 ? kNothing : readable(summary.median(figure));
}

std::string range(double from, double to) {
  return to <= 0 ? kNothing : readable(from) + ".." + readable(to);
}

bool has_many(const Summary& summary) {
  return summary.processes > 1 && summary.median(kRate) > 0;
}

constexpr Column kColumns[] = {
    {"engine", [](const Summary& s) { return s.engine; }},
    {"per second", [](const Summary& s) { return median_unless_zero(s, kRate); }},
    {"min..max",
     [](const Summary& s) {
       return s.runs.size() < 2 ? kNothing : range(s.least(kRate), s.most(kRate));
     }},
    {"p50 us", [](const Summary& s) { return median_unless_zero(s, "p50_us"); }},
    {"p99 us", [](const Summary& s) { return median_unless_zero(s, "p99_us"); }},
    {"max us",
     [](const Summary& s) {
       return s.most("max_us") <= 0 ? kNothing : readable(s.most("max_us"));
     }},
    {"syncs/op", [](const Summary& s) { return median_unless_zero(s, "syncs_per_operation"); }},
    {"slowest..fastest/s",
     [](const Summary& s) {
       return !has_many(s) ? kNothing
                           : range(s.median("slowest_worker_per_second"),
                                   s.median("fastest_worker_per_second"));
     }},
    {"waiting us",
     [](const Summary& s) { return has_many(s) ? readable(s.most("waiting_max_us")) : kNothing; }},
    {"cpu us", [](const Summary& s) { return median_unless_zero(s, "cpu_us_per_operation"); }},
    {"idle us", [](const Summary& s) { return median_unless_zero(s, "idle_sync_us"); }},
    {"others",
     [](const Summary& s) {
       return s.most("other_cpu_share") <= 0 ? kNothing
                                             : readable(100 * s.median("other_cpu_share")) + "%";
     }},
    {"bad", [](const Summary& s) { return std::to_string(s.bad()); }},
};

std::vector<std::string> figure_names(const std::vector<const Summary*>& summaries) {
  std::vector<std::string> names;
  for (const Summary* summary : summaries) {
    for (const auto& [name, value] : summary->runs.front().figures) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::string beside_group_floor(const Summary& summary, const Summary* floor) {
  if (floor == nullptr || floor->median(kRate) <= 0) return kNothing;
  return readable(summary.median(kRate) / floor->median(kRate));
}

}  // namespace

JsonFile::JsonFile(const std::string& path, bool append)
    : file_(path.empty() ? stdout : std::fopen(path.c_str(), append ? "a" : "w")) {
  require(file_ != nullptr, "cannot write " + path);
}

JsonFile::~JsonFile() {
  if (file_ != stdout) std::fclose(file_);
}

void JsonFile::write(const std::string& lines) {
  std::fputs(lines.c_str(), file_);
  std::fflush(file_);
}

void announce(const Measurement& run) {
  std::fprintf(stderr, "%u: %s, %u workers, %s: %s/s, p50 %s us\n", run.repetition + 1,
               run.workload.c_str(), run.processes, run.engine.c_str(), readable(run.rate).c_str(),
               readable(run.p50_us).c_str());
}

void Report::print() const {
  print_head();
  for (const Summaries::Title& title : summaries_.titles()) print_workload(title);
  print_goals();
}

void Report::print_heading(const std::string& text) const {
  std::printf(style_ == TableStyle::kMarkdown ? "\n### %s\n\n" : "\n%s\n", text.c_str());
}

void Report::print_head() const {
  std::vector<std::vector<std::string>> lines;
  for (const auto& [name, text] : header_) lines.push_back({name, text});
  for (const Summary& summary : summaries_.all()) {
    std::vector<std::string> line{summary.engine, summary.options};
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  }
  std::printf("\n");
  if (style_ == TableStyle::kMarkdown) {
    Table table({"", ""});
    for (auto& line : lines) table.add(std::move(line));
    table.print(style_);
    std::printf("\n");
  } else {
    for (const auto& line : lines) std::printf("%-16s %s\n", line[0].c_str(), line[1].c_str());
  }
  std::printf("%s", kLegend);
}

void Report::print_workload(const Summaries::Title& title) const {
  const auto& [workload, processes] = title;
  print_heading(workload + ", " + std::to_string(processes) +
                (processes == 1 ? " worker" : " workers"));
  const std::vector<const Summary*> summaries = summaries_.of(title);
  const std::vector<std::string> figures = figure_names(summaries);
  const Summary* floor = summaries_.find(workload, processes, "group_floor");
  std::vector<std::string> columns;
  for (const Column& column : kColumns) columns.emplace_back(column.title);
  columns.emplace_back("x group");
  columns.insert(columns.end(), figures.begin(), figures.end());
  Table table(std::move(columns));
  for (const Summary* summary : summaries) {
    std::vector<std::string> row;
    for (const Column& column : kColumns) row.push_back(column.text(*summary));
    row.push_back(beside_group_floor(*summary, floor));
    for (const std::string& name : figures) {
      row.push_back(summary->runs.front().has_figure(name) ? readable(summary->median(name))
                                                           : kNothing);
    }
    table.add(std::move(row));
  }
  table.print(style_);
}

void Report::print_goals() const {
  print_heading("What is asked of Holdfast");
  Table table({"workload", "workers", "figure", "asked", "limit", "measured", "ratio to goal", ""});
  for (const Outcome& outcome : judge(summaries_)) {
    const Goal& goal = *outcome.goal;
    table.add({std::string(goal.workload), std::to_string(goal.processes), std::string(goal.figure),
               describe(outcome), readable(outcome.limit), readable(outcome.measured),
               readable(outcome.ratio()), outcome.ratio() >= 1 ? "met" : "NOT MET"});
  }
  table.print(style_);
  std::printf("\nNo acknowledged row lost, none wrong, no ghost, in any engine: %s\n",
              summaries_.clean() ? "met" : "NOT MET");
}

}  // namespace holdfast::bench
