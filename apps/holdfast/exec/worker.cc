#include "exec/worker.h"

#include "exec/shell.h"
#include "process/child.h"

namespace holdfast::exec {
namespace {

constexpr uint64_t kIdleMs = 50;

std::string end_text(const ShellEnd& end) {
  if (end.timed_out) return "it took longer than its timeout and was killed";
  if (end.signal != 0) return "it was killed by signal " + std::to_string(end.signal);
  return "exit code " + std::to_string(end.exit_code);
}

class Worker {
 public:
  Worker(const Space& space, const std::string& run_id, const WorkerOptions& options)
      : runs_(space.runs()), run_id_(run_id), options_(options) {}

  Status work() {
    while (true) {
      HOLDFAST_ASSIGN(const RunInfo run, runs_.get(run_id_));
      if (run.state == RunState::completed) return Status::ok();
      const auto lease = runs_.take(run_id_, {.lease = options_.lease, .holder = options_.holder});
      if (lease.status().code() == StatusCode::kConditionFalse) {
        // Another worker may just have finished it; that may not be durable, so not be read, yet.
        HOLDFAST_ASSIGN(const RunInfo now, runs_.get(run_id_));
        if (now.state == RunState::completed || now.state == RunState::running) continue;
      }
      HOLDFAST_TRY(lease.status());
      if (*lease) {
        HOLDFAST_TRY(do_step(**lease));
        continue;
      }
      HOLDFAST_ASSIGN(const bool done, finish_or_wait());
      if (done) return Status::ok();
    }
  }

 private:
  void say(const StepLease& lease, const std::string& what) const {
    if (options_.say) options_.say("step " + lease.key + ": " + what);
  }

  Status do_step(const StepLease& lease) {
    HOLDFAST_ASSIGN(const ShellStep step, decode_shell_step(lease.input.value_or("")));
    ShellCommand command;
    command.text = lease.is_undo ? step.undo : step.run;
    if (lease.is_undo && command.text.empty()) {
      return settled(lease, runs_.fail(lease, "the plan has no undo for it"));
    }
    command.timeout = step.timeout;
    command.environment = options_.environment;
    command.environment.emplace_back("HOLDFAST_RUN", lease.run_id);
    command.environment.emplace_back("HOLDFAST_STEP", lease.key);
    command.environment.emplace_back("HOLDFAST_ATTEMPT", std::to_string(lease.attempt));
    command.output_size_max = kStepDataSizeMax;
    say(lease, lease.is_undo ? "undoing what an interrupted attempt may have done"
                             : "attempt " + std::to_string(lease.attempt));
    HOLDFAST_ASSIGN(const ShellEnd end,
                    run_shell(
                        command,
                        [&] {
                          return runs_.heartbeat(lease, options_.lease).status().code() !=
                                 StatusCode::kFenced;
                        },
                        options_.lease / 4));
    if (end.given_up) {
      say(lease, "the lease was lost; its command was killed");
      return Status::ok();
    }
    if (end.signal == 0 && end.exit_code == 0 && !end.timed_out) {
      return settled(lease, runs_.complete(lease, end.output));
    }
    say(lease, end_text(end));
    return settled(lease, runs_.fail(lease, end_text(end)));
  }

  // A result that came too late is dropped; the step is another's.
  Status settled(const StepLease& lease, const Status& status) const {
    if (status.code() != StatusCode::kFenced) return status;
    say(lease, std::string(status.message()));
    return Status::ok();
  }

  // Nothing can be taken now. True: the run is completed.
  Result<bool> finish_or_wait() {
    HOLDFAST_ASSIGN(const RunProgress progress, runs_.progress(run_id_));
    if (progress.completed == progress.total()) {
      const Status finished = runs_.finish(run_id_);
      // ConditionFalse: another worker was first, or has added steps; look again.
      if (!finished && finished.code() != StatusCode::kConditionFalse) return finished;
      return finished.is_ok();
    }
    const uint64_t moving =
        progress.ready + progress.delayed + progress.running + progress.undo_due + progress.undoing;
    if (moving > 0) {
      process::sleep_ms(kIdleMs);
      return false;
    }
    if (progress.indeterminate > 0) return stuck(StepState::indeterminate);
    if (progress.failed > 0) return stuck(StepState::failed);
    HOLDFAST_TRY(check_gates());
    process::sleep_ms(kIdleMs);
    return false;
  }

  Status check_gates() const {
    HOLDFAST_ASSIGN(const auto gates, runs_.gates(run_id_));
    for (const GateInfo& gate : gates) {
      if (gate.state == GateState::approved) continue;
      const std::string name =
          "gate " + gate.name + (gate.prompt.empty() ? "" : " (" + gate.prompt + ")");
      if (gate.state != GateState::waiting) {
        return Status(StatusCode::kConditionFalse,
                      name + " is " + std::string(gate_state_name(gate.state)) +
                          " for good, so the run cannot be completed; holdfast run cancel " +
                          run_id_);
      }
      if (options_.wait_for_gates) continue;
      return Status(StatusCode::kBusy, "the run waits for " + name + "; holdfast gate approve " +
                                           run_id_ + " " + gate.name +
                                           ", then execute the plan again");
    }
    return Status::ok();
  }

  Status stuck(StepState state) {
    HOLDFAST_ASSIGN(const auto steps, runs_.steps(run_id_, {.state = state, .limit = 1}));
    if (steps.empty()) return Status::ok();
    const StepInfo& step = steps.front();
    if (state == StepState::indeterminate) {
      return Status(StatusCode::kBusy, "step " + step.key + " may have been done: " + step.error +
                                           "; look, then: holdfast step resolve " + run_id_ + " " +
                                           step.key + " complete|retry|compensate|fail");
    }
    const std::string error = "step " + step.key + " failed: " + step.error;
    const Status failed = runs_.fail(run_id_, error);
    // ConditionFalse: another worker was first.
    if (!failed && failed.code() != StatusCode::kConditionFalse) return failed;
    return Status(StatusCode::kConditionFalse, error + "; holdfast step retry " + run_id_ + " " +
                                                   step.key + ", then execute the plan again");
  }

  const Runs runs_;
  const std::string run_id_;
  const WorkerOptions& options_;
};

}  // namespace

Result<StartedRun> start_plan(Store& store, const Space& space, const Plan& plan) {
  StartedRun started;
  const auto version = store.update([&](Transaction& transaction) -> Status {
    const Runs runs = space.runs(transaction);
    HOLDFAST_ASSIGN(started, runs.start(plan.run));
    if (started.existed) return Status::ok();
    for (const NewGate& gate : plan.gates) HOLDFAST_TRY(runs.open_gate(started.id, gate).status());
    return runs.define(started.id, plan.steps).status();
  });
  HOLDFAST_TRY(version.status());
  return started;
}

Status work_on(const Space& space, const std::string& run_id, const WorkerOptions& options) {
  return Worker(space, run_id, options).work();
}

}  // namespace holdfast::exec
