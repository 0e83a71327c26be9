// Crash loops: run a scenario with a fault at step 1, 2, 3 ... until the fault no longer fits into
// the run, for several faults and seeds; or with every seed of a range.
//
// Runs are made in forked children, a batch in each: killed fibers leak their memory, and a run
// that aborts or crashes shall be one line of the report, not the end of the test program. A child
// leaves with _exit, so that leaks are not reported.
//
// Who: simulation tests, from a thread that is the only one. A failing case is repeated alone, in
// this process and with its trace on stderr, by HOLDFAST_SIM_CASE=<case> in the environment.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/sim/plan.h"

namespace holdfast::sim {

struct Case {
  Fault fault = Fault::kNone;
  bool persistent = false;
  uint64_t seed = 1;
  uint64_t step = 0;

  Plan plan() const { return {.fault = fault, .step = step, .persistent = persistent}; }
  // "sync_error:persistent:seed=3:step=17"
  std::string to_string() const;
  static std::optional<Case> parse(std::string_view text);
};

struct Outcome {
  bool fired = false;   // Machine::plan_fired(): false ends the loop over steps
  std::string failure;  // "": what was found after the crash is right
};

// Makes a machine from the case's seed, sets its plan, runs, recovers, checks.
using Scenario = std::function<Outcome(const Case&)>;

struct CrashLoop {
  std::vector<Fault> faults = {Fault::kKill,      Fault::kKillAll,   Fault::kPowerCut,
                               Fault::kIoError,   Fault::kNoSpace,   Fault::kShortWrite,
                               Fault::kReadError, Fault::kSyncError, Fault::kWritebackError};
  // These again, striking at every fitting step from the k-th on.
  std::vector<Fault> persistent_faults = {Fault::kIoError, Fault::kNoSpace, Fault::kSyncError};
  uint64_t seed_first = 1;
  uint64_t seeds = 8;
  uint64_t step_first = 1;
  uint64_t step_stride = 1;
  uint64_t step_max = UINT64_MAX;
  uint64_t batch = 200;
  // Of processor time: then the child is killed and its run reported as hanging.
  unsigned batch_seconds_max = 120;
  size_t failures_max = 5;  // then the loop gives up
};

struct CrashFailure {
  Case at;
  std::string message;
};

struct CrashReport {
  uint64_t runs = 0;
  uint64_t step_max = 0;  // the last step at which a fault struck
  std::vector<CrashFailure> failures;

  bool is_ok() const { return failures.empty(); }
  // For a test's message: each failure with the line that repeats it.
  std::string to_string() const;
};

CrashReport for_each_crash(const CrashLoop& wanted, const Scenario& scenario);

// One run for each of `count` seeds from `seed_first` on; Case::fault is kNone.
CrashReport for_each_seed(uint64_t seed_first, uint64_t count, const Scenario& scenario);

// What a program that plays all scenarios in another way changes of every loop from there on.
struct LoopPolicy {
  uint64_t seed_shift = 0;   // added to every seed
  uint64_t step_stride = 1;  // of each loop, multiplied
  size_t failures_max = SIZE_MAX;
  unsigned batch_seconds_max = ~0u;
};
LoopPolicy& loop_policy();

// The runs of all loops of this process so far.
struct LoopTotals {
  uint64_t runs = 0;
  // Those that a planned fault struck, by its kind. The others are the ends of loops, runs without
  // a plan, and what a plan did not find room for.
  std::array<uint64_t, kFaultCount> struck = {};
};
const LoopTotals& loop_totals();

// Runs `body` in a forked child: "" when it returned "", else what it returned, or how it died and
// the end of what it printed. It is killed after that many seconds of processor time.
std::string run_in_child(const std::function<std::string()>& body, unsigned seconds_max = 120);

}  // namespace holdfast::sim
