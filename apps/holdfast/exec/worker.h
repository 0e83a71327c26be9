// The worker of `run exec`: takes the steps of a run, one after the other, until there is nothing
// left to do. Any number of workers may share a run; each may be killed at any moment.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "exec/plan.h"
#include "holdfast/space.h"
#include "holdfast/store.h"

namespace holdfast::exec {

struct WorkerOptions {
  std::string holder = {};
  std::chrono::milliseconds lease{30'000};
  bool wait_for_gates = false;  // else the worker ends when only gates are left
  // What steps find in their environment beside HOLDFAST_RUN, HOLDFAST_STEP, HOLDFAST_ATTEMPT.
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::function<void(const std::string&)> say = {};  // progress, for people
};

// Starts the run of the plan, or finds it again, in one commit. Errors: as of Runs::start and
// Runs::define.
Result<StartedRun> start_plan(Store& store, const Space& space, const Plan& plan);

// Works until the run is completed. Errors: ConditionFalse (a step failed; the run is not running),
// Busy (it waits for a gate, or for somebody to resolve an indeterminate step).
Status work_on(const Space& space, const std::string& run_id, const WorkerOptions& options);

}  // namespace holdfast::exec
