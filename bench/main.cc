// holdfast_bench: Holdfast beside its peers and beside what the machine can do at best.
// README.md tells how to repeat it and how to read it.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <tuple>

#include "bench/crew.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/workloads/loaded_stores.h"
#include "bench/workloads/workload.h"

namespace holdfast::bench {
namespace {

EngineList choose_engines(const Options& options) {
  EngineList engines = make_engines();
  if (options.engines.empty()) return engines;
  EngineList chosen;
  for (const std::string& name : options.engines) {
    const auto found = std::find_if(engines.begin(), engines.end(), [&](const auto& engine) {
      return engine != nullptr && engine->name() == name;
    });
    require(found != engines.end(), "no engine is built in and named " + name);
    chosen.push_back(std::move(*found));
  }
  return chosen;
}

std::vector<uint32_t> process_counts(Work work, const Options& options) {
  switch (work) {
    case Work::kPuts:
      return options.processes;
    case Work::kAgent:
    case Work::kOwnAgent:
      return {1, 10};
    case Work::kReads:
      return {1, 2};
    default:
      return {1};
  }
}

std::vector<Measurement> measure(const Case& which, LoadedStores& stores) {
  switch (which.kind.work) {
    case Work::kReads:
      return measure_reads(which, stores);
    case Work::kMixed:
      return measure_mixed(which, stores);
    case Work::kOpening:
      return measure_opening(which);
    case Work::kRecovery:
      return measure_recovery(which);
    case Work::kLoad:
      return measure_load(which);
    case Work::kOverwrite:
      return measure_overwrites(which);
    case Work::kIdle:
      return {measure_idle(which, stores)};
    case Work::kScale:
      return measure_scale(which);
    case Work::kPuts:
    case Work::kAgent:
    case Work::kOwnAgent:
      break;
  }
  return {measure_commits(which)};
}

// All cases of one command.
class Comparison {
 public:
  Comparison(const Options& options, const EngineList& engines, const std::string& directory)
      : options_(options),
        engines_(engines),
        directory_(directory),
        json_(options.json_path, options.resume),
        stores_(directory, options.keys),
        begin_ns_(monotonic_ns()) {
    if (options.resume) recall(read_lines(options.json_path));
    if (header_.empty()) {
      header_ = describe_machine(directory);
      header_.emplace_back("command", options.command);
      json_.write(json_line(header_) + "\n");
    }
  }

  void run() {
    for (uint32_t i = 0; i < options_.repetitions && !out_of_time(); ++i) run_repetition(i);
  }

  // False when an engine lost a row.
  bool report() const {
    const TableStyle style = options_.markdown ? TableStyle::kMarkdown : TableStyle::kText;
    Report(header_, summaries_, style).print();
    if (left_out_ > 0) {
      std::fprintf(stderr, "holdfast_bench: %llu cases were left out for time; see --resume\n",
                   static_cast<unsigned long long>(left_out_));
    }
    return summaries_.clean();
  }

 private:
  // Workload, rows, engine, workers, repetition.
  using CaseName = std::tuple<std::string, uint64_t, std::string, uint32_t, uint32_t>;

  void recall(const Recorded& recorded) {
    header_ = recorded.header;
    for (const Measurement& run : recorded.runs) {
      summaries_.add(run);
      done_.insert({run.of_case, run.case_keys, run.engine, run.case_workers, run.repetition});
    }
  }

  std::vector<uint64_t> sizes(Work work) const {
    return work == Work::kScale ? options_.sizes : std::vector<uint64_t>{options_.keys};
  }

  bool out_of_time() const {
    const double minutes = static_cast<double>(monotonic_ns() - begin_ns_) / 60e9;
    return options_.minutes > 0 && minutes > options_.minutes;
  }

  // Every second time the engines run in reverse, so that none always follows the same other.
  void run_repetition(uint32_t repetition) {
    std::vector<const Engine*> order;
    for (const auto& engine : engines_) order.push_back(engine.get());
    if (repetition % 2 != 0) std::reverse(order.begin(), order.end());
    for (const std::string& workload : options_.workloads) {
      const WorkloadKind& kind = *find_workload(workload);
      for (uint64_t keys : sizes(kind.work)) {
        for (uint32_t processes : process_counts(kind.work, options_)) {
          for (const Engine* engine : order) {
            if (!engine->does(kind.work)) continue;
            run_case({kind, *engine, processes, repetition, options_.seconds,
                      options_.limit_seconds, keys, directory_});
          }
        }
      }
      if (kind.work == Work::kOpening) run_empty_process(kind, repetition);
    }
  }

  // Whether the case is still to be run, and the time is there.
  bool is_due(const CaseName& name) {
    if (done_.count(name) != 0) return false;
    if (!out_of_time()) return true;
    ++left_out_;
    return false;
  }

  void run_case(const Case& which) {
    const CaseName name(which.kind.name, which.keys, which.engine.name(), which.processes,
                        which.repetition);
    if (!is_due(name)) return;
    std::vector<Measurement> results = measure(which, stores_);
    for (Measurement& result : results) {
      if (result.workload.empty()) result.workload = which.kind.name;
      result.engine = which.engine.name();
      result.options = which.engine.options(which.kind.durability);
    }
    book(name, std::move(results));
  }

  void run_empty_process(const WorkloadKind& kind, uint32_t repetition) {
    const CaseName name(kind.name, options_.keys, "(empty process)", 1, repetition);
    if (is_due(name)) book(name, {measure_empty_process()});
  }

  void book(const CaseName& name, std::vector<Measurement> results) {
    std::string lines;
    for (Measurement& result : results) {
      std::tie(result.of_case, result.case_keys, std::ignore, result.case_workers,
               result.repetition) = name;
      announce(result);
      summaries_.add(result);
      lines += json_line(result) + "\n";
    }
    json_.write(lines);
    done_.insert(name);
  }

  const Options& options_;
  const EngineList& engines_;
  const std::string directory_;
  JsonFile json_;
  LoadedStores stores_;
  const uint64_t begin_ns_;
  Header header_;
  Summaries summaries_;
  std::set<CaseName> done_;
  uint64_t left_out_ = 0;
};

void compare(const Options& options, const EngineList& engines, const std::string& directory) {
  if (options.quick) be_hasty();
  Comparison comparison(options, engines, directory);
  comparison.run();
  if (!comparison.report()) {
    fail("rows were lost, wrong or never written: see \"bad\" above");
  }
}

volatile pid_t comparing = 0;

void stop_comparing(int) {
  if (comparing > 0) kill(comparing, SIGKILL);
}

// All work is done in a child, so that its folder goes away however it ends.
int compare_and_clean_up(const Options& options) {
  const EngineList engines = choose_engines(options);
  std::string directory = options.directory + "/holdfast_bench.XXXXXX";
  require(mkdtemp(directory.data()) != nullptr, "cannot make a folder in " + options.directory);
  const CaseFolder folder(directory, "");
  comparing = start_apart([&] { compare(options, engines, directory); });
  for (int number : {SIGHUP, SIGINT, SIGTERM}) signal(number, stop_comparing);
  return wait_for(comparing) ? 0 : 1;
}

int print_recorded(const Options& options) {
  const Recorded recorded = read_lines(options.report_path);
  require(!recorded.runs.empty(), "no measurements in " + options.report_path);
  Summaries summaries;
  for (const Measurement& run : recorded.runs) summaries.add(run);
  Report(recorded.header, summaries, options.markdown ? TableStyle::kMarkdown : TableStyle::kText)
      .print();
  return 0;
}

int run_main(int count, char** arguments) {
  const Options options = parse_options(count, arguments);
  return options.report_path.empty() ? compare_and_clean_up(options) : print_recorded(options);
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  return holdfast::bench::run_main(count, arguments);
}
