// Runs: work in steps that survives the death of whoever does it.
//
// A run has steps, each named by an idempotency key: who asks for a key again gets the same step,
// and once it is completed what it returned; it is never done twice. A step is done under a lease.
// A step whose worker died, or let its lease expire, before it said how it went is *indeterminate*:
// it may have been done. Nobody guesses; the step declared what is to be done then (OnInterrupt).
// Steps wait for other steps and for gates, which somebody has to approve.
//
// All of it is in the store: a worker that is killed is replaced by any other that opens the store
// and takes the next step. A step's result, and whatever else its worker writes in the transaction
// that completes it, is one commit.
//
//   waiting -> ready -> running -> completed
//                ^  ^      |  \--> delayed (failed, attempts left) -> running
//                |  |      |\----> failed (no attempts left)
//                |  |      \-----> indeterminate: by policy ready, undo_due, failed, or it waits
//                |  \------------- undoing <- undo_due    for resolve()
//                \---------------- retry() of a failed one, reset() of a completed one
//
// Thread-safety and errors: as of Kv (holdfast/kv.h). ConditionFalse: the move is not legal in the
// state that the message names. Times are microseconds since 1970, UTC. Names are UTF-8.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr size_t kRunNameSizeMax = 400;        // bytes, at least 1
constexpr size_t kRunKeySizeMax = 400;         // bytes, at least 1; of a run
constexpr size_t kStepKeySizeMax = 400;        // bytes, at least 1; of a step or gate
constexpr size_t kStepDataSizeMax = 1u << 20;  // bytes of an input or output
constexpr size_t kStepErrorSizeMax = 4096;     // bytes; the rest is cut off
constexpr size_t kStepDependenciesMax = 256;
constexpr size_t kStepResetMax = 10'000;  // steps that one reset() may touch
constexpr size_t kRunListLimitMax = 10'000;
constexpr std::chrono::milliseconds kStepLeaseMax{7LL * 24 * 3600 * 1000};
constexpr std::chrono::milliseconds kStepTimeMax{366LL * 24 * 3600 * 1000};

enum class RunState : uint8_t { running, paused, completed, failed, cancelled };
enum class StepState : uint8_t {
  waiting,  // for steps or gates
  ready,    // to be taken
  delayed,  // failed; to be taken again later
  running,  // leased
  completed,
  failed,
  indeterminate,  // may have been done; waits for resolve()
  undo_due,       // may have been done; to be taken for undoing
  undoing,        // leased, for undoing
};
enum class GateState : uint8_t { waiting, approved, rejected, expired };

// What is done with a step that was started and of which nobody knows how it went.
enum class OnInterrupt : uint8_t {
  ask,         // it becomes indeterminate until somebody resolves it
  retry,       // it is idempotent: do it again
  compensate,  // undo what it may have done (which must be idempotent), then do it again
  fail,
};

struct NewRun {
  std::string name = {};
  // Idempotency key: starting again with it returns the run that has it.
  std::optional<std::string> key = {};
  std::optional<std::string> input = {};  // JSON
  std::optional<std::string> session = {};
};

struct RunInfo {
  std::string id = {};  // UUIDv7
  std::string name = {};
  std::optional<std::string> key = {};
  std::optional<std::string> session = {};
  RunState state = RunState::running;
  int64_t created_us = 0;
  int64_t ended_us = 0;  // 0: it goes on
  std::string error = {};
  // get() only:
  std::optional<std::string> input = {};
  std::optional<std::string> output = {};
};

struct StartedRun {
  std::string id = {};
  bool existed = false;
};

struct RunListOptions {
  std::optional<RunState> state = {};
  std::string after = {};  // id of the last of the page before
  size_t limit = 100;      // 1 to kRunListLimitMax; newest first
};

// How many steps are in each state.
struct RunProgress {
  uint64_t waiting = 0, ready = 0, delayed = 0, running = 0, completed = 0, failed = 0;
  uint64_t indeterminate = 0, undo_due = 0, undoing = 0;
  uint64_t total() const {
    return waiting + ready + delayed + running + completed + failed + indeterminate + undo_due +
           undoing;
  }
};

struct NewStep {
  std::string key = {};
  std::optional<std::string> input = {};  // JSON; compared by value; none: as it was defined
  // Keys of steps and names of gates of the run that it waits for. They must exist already, so
  // there are no cycles.
  std::vector<std::string> after = {};
  std::vector<std::string> gates = {};
  OnInterrupt on_interrupt = OnInterrupt::ask;
  uint32_t attempts_max = 1;                       // that may fail; 1 to 1,000,000
  uint32_t interruptions_max = 100;                // then it is failed, whatever the policy
  std::chrono::milliseconds backoff_first{1'000};  // after the first failure; then doubled
  std::chrono::milliseconds backoff_max{600'000};
  std::chrono::milliseconds timeout{0};  // an attempt's; 0: none. A lease never exceeds it.
};

struct StepLeaseOptions {
  std::chrono::milliseconds lease{60'000};  // 1 ms to kStepLeaseMax; heartbeat() prolongs it
  // begin: for another who does the step; take: for a step. In a transaction never.
  std::chrono::milliseconds wait{0};
  bool bound_to_handle = true;  // ends when this process ends
  std::string holder = {};      // for people
};

// An attempt at a step, or at undoing it. Plain data: it may be passed to another process.
struct StepLease {
  std::string run_id = {};
  std::string key = {};
  std::string lease_id = {};  // names this attempt
  bool is_undo = false;
  uint32_t attempt = 1;  // 1: the first
  int64_t expires_us = 0;
  std::optional<std::string> input = {};
  std::string last_error = {};  // of the attempt before
};

// Either a lease, or what the step returned.
struct StepBegin {
  bool completed = false;
  std::string output = {};         // completed
  std::optional<StepLease> lease;  // not completed
};

struct StepInfo {
  std::string key = {};
  StepState state = StepState::waiting;
  std::vector<std::string> after = {};
  std::vector<std::string> gates = {};
  OnInterrupt on_interrupt = OnInterrupt::ask;
  uint32_t attempts = 0;                                 // begun
  uint32_t failures = 0, interruptions = 0;              // since it was defined, retried or reset
  int64_t created_us = 0, started_us = 0, ended_us = 0;  // 0: not yet
  int64_t due_us = 0;  // delayed: when it may be taken; running, undoing: the lease's end
  std::string holder = {};
  std::string error = {};
  // step() only:
  std::optional<std::string> input = {};
  std::optional<std::string> output = {};
};

struct StepListOptions {
  std::optional<StepState> state = {};
  std::string after = {};  // key of the last of the page before
  size_t limit = 1'000;    // 1 to kRunListLimitMax; in the order of keys
};

// What happens to an indeterminate step.
enum class StepDecision : uint8_t { complete, retry, compensate, fail };

struct NewGate {
  std::string name = {};
  std::string prompt = {};               // what is to be approved
  std::chrono::milliseconds timeout{0};  // then it is expired; 0: never
};

struct GateInfo {
  std::string name = {};
  std::string prompt = {};
  GateState state = GateState::waiting;
  int64_t created_us = 0, expires_us = 0, decided_us = 0;  // 0: never, not yet
  std::string decided_by = {};
  std::string comment = {};
};

// One line of a run's history.
struct RunEvent {
  int64_t at_us = 0;      // the commit's time
  std::string what = {};  // "run running", "step completed", "gate approved", ...
  std::string key = {};   // of the step or gate
  uint32_t attempt = 0;
  std::string by = {};
  std::string detail = {};
  std::string cursor = {};  // for timeline()
};

class Runs {
 public:
  explicit Runs(std::shared_ptr<memory::Access> access);  // see Space::runs

  // Errors: InvalidArgument (name, key; input is not JSON), TooLarge; ConditionFalse: there is a
  // run with this key that was started with another input.
  Result<StartedRun> start(const NewRun& run) const;
  // Errors: NotFound, of this and of all that take a run's id; InvalidArgument (not an id).
  Result<RunInfo> get(std::string_view run_id) const;
  Result<std::vector<RunInfo>> list(const RunListOptions& options = {}) const;
  Result<RunProgress> progress(std::string_view run_id) const;
  // Errors: ConditionFalse: a step is not completed (the message names one), or the run has ended.
  Status finish(std::string_view run_id, std::optional<std::string_view> output = {}) const;
  Status fail(std::string_view run_id, std::string_view error) const;
  // No step can be begun, prolonged, completed or failed from now on.
  Status cancel(std::string_view run_id, std::string_view reason) const;
  // No step can be begun; those that were can be completed.
  Status pause(std::string_view run_id) const;
  // From paused or failed to running. Steps stay as they are: retry() what failed.
  Status resume(std::string_view run_id) const;
  // With its steps, gates and timeline. Errors: ConditionFalse: it has not ended.
  Status remove(std::string_view run_id) const;
  // Oldest first, behind `cursor`.
  Result<std::vector<RunEvent>> timeline(std::string_view run_id, std::string_view cursor = {},
                                         size_t limit = 1'000) const;

  // The steps, and whether each existed already. All or none. Errors: InvalidArgument, TooLarge;
  // NotFound: a step or gate to wait for; ConditionFalse: the key exists with another input, or the
  // run has ended.
  Result<std::vector<bool>> define(std::string_view run_id, std::span<const NewStep> steps) const;
  // Begins the step, which is defined if it is not. Who finds it completed gets its output; who
  // finds it running waits (options.wait), then gets Busy, which names the holder. Errors: as of
  // define; ConditionFalse also: it waits, is delayed, failed or indeterminate: the message says
  // what to do; or the run is not running.
  Result<StepBegin> begin(std::string_view run_id, const NewStep& step,
                          const StepLeaseOptions& options = {}) const;
  // The next step that can be done, or undone; nullopt: none now. Errors: ConditionFalse: the run
  // is not running.
  Result<std::optional<StepLease>> take(std::string_view run_id,
                                        const StepLeaseOptions& options = {}) const;
  // These need the lease. Errors: Fenced: it ended and the step was given to another or settled, or
  // the run was cancelled; nothing was changed.
  Result<StepLease> heartbeat(const StepLease& lease, std::chrono::milliseconds prolong_by) const;
  // Of an undo: it is undone, and ready to be done again if attempts are left.
  Status complete(const StepLease& lease, std::string_view output) const;
  // It failed and left nothing: it is tried again after a pause, or, after attempts_max failures or
  // with `final`, failed. Of an undo: it becomes indeterminate.
  Status fail(const StepLease& lease, std::string_view error, bool final = false) const;

  // What was interrupted goes where its policy says, now rather than when somebody takes or begins;
  // how many.
  Result<uint64_t> settle(std::string_view run_id) const;
  // Errors: ConditionFalse: it is not indeterminate. `output`: for complete.
  Status resolve(std::string_view run_id, std::string_view key, StepDecision decision,
                 std::string_view output = {}, std::string_view by = {}) const;
  // A failed step is ready again with all its attempts; no other step changes, as none can have
  // begun that waits for it. A failed run is running again. Errors: ConditionFalse: not failed.
  Status retry(std::string_view run_id, std::string_view key) const;
  // A step that has ended, and every step that began because of it, forget their results and are
  // done again; other steps keep theirs. Returns the keys. Errors: Busy: one of them is running,
  // undone or indeterminate; TooLarge; ConditionFalse (it has not ended; the run is cancelled or
  // completed).
  Result<std::vector<std::string>> reset(std::string_view run_id, std::string_view key) const;
  Result<StepInfo> step(std::string_view run_id, std::string_view key) const;
  Result<std::vector<StepInfo>> steps(std::string_view run_id,
                                      const StepListOptions& options = {}) const;

  // True: it existed already. Errors: InvalidArgument; ConditionFalse: the run has ended.
  Result<bool> open_gate(std::string_view run_id, const NewGate& gate) const;
  // Once and for all. Errors: ConditionFalse: decided already (the message says by whom) or
  // expired.
  Status decide_gate(std::string_view run_id, std::string_view name, bool approved,
                     std::string_view by = {}, std::string_view comment = {}) const;
  Result<GateInfo> gate(std::string_view run_id, std::string_view name) const;
  Result<std::vector<GateInfo>> gates(std::string_view run_id) const;

 private:
  std::shared_ptr<memory::Access> access_;
};

std::string_view run_state_name(RunState state);
std::string_view step_state_name(StepState state);
std::string_view gate_state_name(GateState state);

}  // namespace holdfast
