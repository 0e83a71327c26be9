// Steps without a lease: defining, showing, settling, resolving, retrying and resetting them.
#include <map>

#include "memory/run_work.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::DataKind;
using memory::RunRows;
using memory::StepRow;

constexpr size_t kSettledAtOnce = 1'000;

// The row as it was, with nothing of its attempts.
StepRow forgotten(const StepRow& row) {
  StepRow next = memory::without_lease(row);
  next.seen.failures = 0;
  next.seen.interruptions = 0;
  next.seen.error.clear();
  next.seen.ended_us = 0;
  next.seen.state = row.open == 0 ? StepState::ready : StepState::waiting;
  return next;
}

// The run goes on, if it had failed.
Status revive_run(search::KeyTarget& target, const RunRows& rows, const RunInfo& run) {
  if (run.state == RunState::running || run.state == RunState::paused) return Status::ok();
  if (!memory::may_move(run.state, RunState::running)) return memory::run_ended(run);
  RunInfo next = run;
  next.state = RunState::running;
  next.ended_us = 0;
  next.error.clear();
  return rows.change_run(target, run, next, {});
}

Status check_can_be_reset(const StepRow& row) {
  using enum StepState;
  const StepState state = row.seen.state;
  if (state != running && state != undoing && state != undo_due && state != indeterminate) {
    return Status::ok();
  }
  return Status(StatusCode::kBusy, "step " + row.seen.key + " is " +
                                       std::string(step_state_name(state)) +
                                       "; wait for it, or resolve it, then reset");
}

struct ResetPlan {
  std::map<std::string, StepRow> before = {};  // every step that changes
  std::map<std::string, StepRow> rows = {};    // the same, changed
  std::vector<std::string> begun = {};         // those that had ended, in the order found
};

// Follows the results of `root`: whoever waits for a step that was completed has one more thing to
// wait for, and what it has itself completed is void, too.
Status plan_reset(search::KeySource& source, const RunRows& rows, const StepRow& root,
                  ResetPlan& plan) {
  plan.before[root.seen.key] = plan.rows[root.seen.key] = root;
  plan.begun.push_back(root.seen.key);
  for (size_t at = 0; at < plan.begun.size(); ++at) {
    const std::string key = plan.begun[at];
    if (plan.before[key].seen.state != StepState::completed) continue;
    HOLDFAST_ASSIGN(const auto keys, rows.dependents(source, memory::AwaitedKind::kStep, key));
    for (const std::string& dependent : keys) {
      if (!plan.rows.contains(dependent)) {
        HOLDFAST_ASSIGN(const StepRow row, memory::find_step(source, rows, dependent));
        HOLDFAST_TRY(check_can_be_reset(row));
        plan.before[dependent] = plan.rows[dependent] = row;
        const StepState state = row.seen.state;
        const bool has_ended = state == StepState::completed || state == StepState::failed;
        if (has_ended) plan.begun.push_back(dependent);
      }
      plan.rows[dependent].open += 1;
    }
    if (plan.rows.size() > kStepResetMax) {
      return Status(StatusCode::kTooLarge, "more than " + std::to_string(kStepResetMax) +
                                               " steps come after step " + root.seen.key +
                                               "; reset a later one, or start another run");
    }
  }
  return Status::ok();
}

Status carry_out(search::KeyTarget& target, const RunRows& rows, const ResetPlan& plan) {
  for (const auto& [key, row] : plan.rows) {
    const StepRow& before = plan.before.at(key);
    StepRow next = row;
    if (before.seen.state != StepState::waiting) next = forgotten(row);
    HOLDFAST_TRY(rows.change_step(target, before, next, {{}, "reset"}));
  }
  for (const std::string& key : plan.begun) {
    HOLDFAST_TRY(target.del(rows.step_data_key(key, DataKind::kOutput)));
  }
  return Status::ok();
}

}  // namespace

Result<std::vector<bool>> Runs::define(std::string_view run_id,
                                       std::span<const NewStep> steps) const {
  for (const NewStep& step : steps) HOLDFAST_TRY(memory::check_step(step));
  std::vector<bool> existed;
  const auto work = [&](search::KeyTarget& target, const RunRows& rows,
                        const RunInfo& run) -> Status {
    existed.clear();
    if (memory::has_ended(run.state)) return memory::run_ended(run);
    std::vector<memory::PlannedStep> planned;
    for (const NewStep& step : steps) {
      HOLDFAST_ASSIGN(auto plan, memory::plan_step(*access_, target, rows, step, planned));
      planned.push_back(std::move(plan));
    }
    for (const memory::PlannedStep& step : planned) {
      HOLDFAST_TRY(memory::insert_planned(target, rows, step));
      existed.push_back(step.existed);
    }
    return Status::ok();
  };
  HOLDFAST_TRY(memory::write_run(*access_, run_id, work));
  return existed;
}

Result<uint64_t> Runs::settle(std::string_view run_id) const {
  uint64_t total = 0;
  while (true) {
    uint64_t settled = 0;
    const auto work = [&](search::KeyTarget& target, const RunRows& rows,
                          const RunInfo& run) -> Status {
      if (memory::has_ended(run.state)) return memory::run_ended(run);
      HOLDFAST_ASSIGN(settled, memory::settle_interrupted(*access_, target, rows, kSettledAtOnce));
      return Status::ok();
    };
    HOLDFAST_TRY(memory::write_run(*access_, run_id, work));
    total += settled;
    if (settled == 0) return total;
  }
}

Status Runs::resolve(std::string_view run_id, std::string_view key, StepDecision decision,
                     std::string_view output, std::string_view by) const {
  HOLDFAST_TRY(memory::check_data("the output", output));
  HOLDFAST_TRY(memory::check_text("by", by, kRunNameSizeMax));
  const auto work = [&](search::KeyTarget& target, const RunRows& rows,
                        const RunInfo& run) -> Status {
    if (run.state == RunState::completed || run.state == RunState::cancelled) {
      return memory::run_ended(run);
    }
    HOLDFAST_ASSIGN(const StepRow row, memory::find_step(target, rows, key));
    if (row.seen.state != StepState::indeterminate) {
      return memory::refused("step " + row.seen.key + " is " +
                             std::string(step_state_name(row.seen.state)) +
                             "; only indeterminate steps are resolved");
    }
    const int64_t now_us = access_->now_us();
    const memory::RunNote note{by, "resolved"};
    StepRow next = row;
    switch (decision) {
      case StepDecision::complete:
        return memory::complete_step(target, rows, row, output, now_us, note);
      case StepDecision::retry:
        next = forgotten(row);
        break;
      case StepDecision::compensate:
        next.seen.state = StepState::undo_due;
        break;
      case StepDecision::fail:
        next.seen.state = StepState::failed;
        next.seen.ended_us = now_us;
        break;
    }
    return rows.change_step(target, row, next, note);
  };
  return memory::write_run(*access_, run_id, work);
}

Status Runs::retry(std::string_view run_id, std::string_view key) const {
  const auto work = [&](search::KeyTarget& target, const RunRows& rows,
                        const RunInfo& run) -> Status {
    HOLDFAST_ASSIGN(const StepRow row, memory::find_step(target, rows, key));
    if (row.seen.state != StepState::failed) {
      return memory::refused("step " + row.seen.key + " is " +
                             std::string(step_state_name(row.seen.state)) +
                             "; only failed steps are retried");
    }
    HOLDFAST_TRY(revive_run(target, rows, run));
    return rows.change_step(target, row, forgotten(row), {{}, "retry"});
  };
  return memory::write_run(*access_, run_id, work);
}

Result<std::vector<std::string>> Runs::reset(std::string_view run_id, std::string_view key) const {
  std::vector<std::string> keys;
  const auto work = [&](search::KeyTarget& target, const RunRows& rows,
                        const RunInfo& run) -> Status {
    HOLDFAST_ASSIGN(const StepRow root, memory::find_step(target, rows, key));
    HOLDFAST_TRY(check_can_be_reset(root));
    if (root.seen.state != StepState::completed && root.seen.state != StepState::failed) {
      return memory::refused("step " + root.seen.key + " is " +
                             std::string(step_state_name(root.seen.state)) +
                             "; only what has ended is reset");
    }
    ResetPlan plan;
    HOLDFAST_TRY(plan_reset(target, rows, root, plan));
    HOLDFAST_TRY(revive_run(target, rows, run));
    keys = plan.begun;
    return carry_out(target, rows, plan);
  };
  HOLDFAST_TRY(memory::write_run(*access_, run_id, work));
  return keys;
}

Result<StepInfo> Runs::step(std::string_view run_id, std::string_view key) const {
  StepInfo info;
  const auto work = [&](search::KeySource& source, const RunRows& rows, const RunInfo&) -> Status {
    HOLDFAST_ASSIGN(const StepRow row, memory::find_step(source, rows, key));
    info = row.seen;
    HOLDFAST_ASSIGN(info.input, source.get(rows.step_data_key(key, DataKind::kInput)));
    HOLDFAST_ASSIGN(info.output, source.get(rows.step_data_key(key, DataKind::kOutput)));
    return Status::ok();
  };
  HOLDFAST_TRY(memory::read_run(*access_, run_id, work));
  return info;
}

Result<std::vector<StepInfo>> Runs::steps(std::string_view run_id,
                                          const StepListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kRunListLimitMax));
  std::vector<StepInfo> listed;
  const auto work = [&](search::KeySource& source, const RunRows& rows, const RunInfo&) -> Status {
    KeyRange range = rows.step_range();
    if (!options.after.empty()) range.begin.append(options.after).push_back('\0');
    Status damage;
    HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
      auto row = rows.decode_step(rows.key_of_step(key), value);
      damage = row.status();
      if (!row) return false;
      if (!options.state || row->seen.state == *options.state) {
        listed.push_back(std::move(row->seen));
      }
      return listed.size() < options.limit;
    }));
    return damage;
  };
  HOLDFAST_TRY(memory::read_run(*access_, run_id, work));
  return listed;
}

}  // namespace holdfast
