// holdfast_bench: Holdfast beside its peers and beside what the machine can do at best.
// README.md tells how to repeat it and how to read it.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "bench/crew.h"
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
    default:
      return {measure_commits(which)};
  }
}

void run_case(const Case& which, LoadedStores& stores, Report& report) {
  for (Measurement& result : measure(which, stores)) {
    if (result.workload.empty()) result.workload = which.kind.name;
    result.engine = which.engine.name();
    result.options = which.engine.options(which.kind.durability);
    result.repetition = which.repetition;
    report.add(result);
  }
}

// Every second time the engines run in reverse, so that none always follows the same other.
void run_repetition(const Options& options, const EngineList& engines, uint32_t repetition,
                    const std::string& directory, LoadedStores& stores, Report& report) {
  std::vector<const Engine*> order;
  for (const auto& engine : engines) order.push_back(engine.get());
  if (repetition % 2 != 0) std::reverse(order.begin(), order.end());
  for (const std::string& workload : options.workloads) {
    const WorkloadKind& kind = *find_workload(workload);
    for (uint32_t processes : process_counts(kind.work, options)) {
      for (const Engine* engine : order) {
        if (!engine->does(kind.work)) continue;
        run_case({kind, *engine, processes, repetition, options.seconds, options.limit_seconds,
                  options.keys, directory},
                 stores, report);
      }
    }
    if (kind.work != Work::kOpening) continue;
    Measurement empty = measure_empty_process();
    empty.repetition = repetition;
    report.add(empty);
  }
}

void compare(const Options& options, const EngineList& engines, const std::string& directory) {
  Header header = describe_machine(directory);
  header.emplace_back("command", options.command);
  Report report(std::move(header), options.json_path);
  LoadedStores stores(directory, options.keys);
  for (uint32_t i = 0; i < options.repetitions; ++i) {
    run_repetition(options, engines, i, directory, stores, report);
  }
  report.print_table();
  report.print_goals();
  if (!report.clean()) fail("rows were lost, wrong or never written: see \"bad\" above");
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

int run_main(int count, char** arguments) {
  const Options options = parse_options(count, arguments);
  if (!options.open_once.empty()) {
    const EngineList engines = make_engines();
    const auto found = std::find_if(engines.begin(), engines.end(), [&](const auto& engine) {
      return engine->name() == options.open_once;
    });
    open_once(found == engines.end() ? nullptr : found->get(), options);
    return 0;
  }
  return compare_and_clean_up(options);
}

}  // namespace
}  // namespace holdfast::bench

int main(int count, char** arguments) {
  return holdfast::bench::run_main(count, arguments);
}
