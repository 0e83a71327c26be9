#include "memory/run_work.h"

#include <algorithm>

#include "base/time_text.h"
#include "memory/json_canonical.h"
#include "memory/json_check.h"
#include "memory/text_check.h"

namespace holdfast::memory {
namespace {

Result<Uuid> parse_run_id(std::string_view id) {
  if (const auto uuid = Uuid::parse(id)) return *uuid;
  return invalid("\"" + std::string(id.substr(0, 80)) +
                 "\" is not a run's id; ids have 36 characters");
}

Status no_run(Access& access, std::string_view run_id) {
  return Status(StatusCode::kNotFound, "there is no run " + std::string(run_id) + " in space \"" +
                                           std::string(access.space_path()) + "\"");
}

Status check_awaited(std::string_view what, const std::vector<std::string>& names) {
  if (names.size() > kStepDependenciesMax) {
    return Status(StatusCode::kTooLarge,
                  "a step waits for at most " + std::to_string(kStepDependenciesMax) + " " +
                      std::string(what) + "; put a step in between that waits for some of them");
  }
  for (const std::string& name : names) {
    HOLDFAST_TRY(check_name("what a step waits for", name, kStepKeySizeMax));
  }
  std::vector<std::string_view> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice == sorted.end()) return Status::ok();
  return invalid("the step waits for " + std::string(*twice) + " twice; name it once");
}

const PlannedStep* find_planned(const std::vector<PlannedStep>& planned, std::string_view key) {
  for (const PlannedStep& step : planned) {
    if (step.row.seen.key == key) return &step;
  }
  return nullptr;
}

Status nothing_to_wait_for(const NewStep& step, std::string_view what, const std::string& name) {
  return Status(StatusCode::kNotFound, "step " + step.key + " is to wait for " + std::string(what) +
                                           " " + name + ", which is not there; define it before");
}

// How many of what the step waits for are not done yet.
Result<uint64_t> count_open(search::KeySource& source, const RunRows& rows, const NewStep& step,
                            const std::vector<PlannedStep>& planned) {
  uint64_t open = 0;
  for (const std::string& key : step.after) {
    const PlannedStep* before = find_planned(planned, key);
    if (before != nullptr && !before->existed) {
      ++open;
      continue;
    }
    HOLDFAST_ASSIGN(const auto row, rows.read_step(source, key));
    if (!row) return nothing_to_wait_for(step, "step", key);
    if (row->seen.state != StepState::completed) ++open;
  }
  for (const std::string& name : step.gates) {
    HOLDFAST_ASSIGN(const auto gate, rows.read_gate(source, name));
    if (!gate) return nothing_to_wait_for(step, "gate", name);
    if (gate->state != GateState::approved) ++open;
  }
  return open;
}

}  // namespace

Status refused(std::string message) {
  return Status(StatusCode::kConditionFalse, std::move(message));
}

Status check_data(std::string_view name, std::string_view bytes) {
  if (bytes.size() <= kStepDataSizeMax) return Status::ok();
  return Status(StatusCode::kTooLarge, std::string(name) + " has " + std::to_string(bytes.size()) +
                                           " bytes; at most " + std::to_string(kStepDataSizeMax) +
                                           " are allowed: store it with Kv and give its key");
}

Status check_json(std::string_view name, const std::optional<std::string>& text) {
  if (!text) return Status::ok();
  HOLDFAST_TRY(check_data(name, *text));
  HOLDFAST_TRY(check_text(name, *text, kStepDataSizeMax));
  if (const auto bad = json_first_bad_byte(*text)) {
    return invalid(std::string(name) + " is not JSON: unexpected at offset " +
                   std::to_string(*bad) + "; give one JSON value")
        .with_offset(*bad);
  }
  return Status::ok();
}

bool same_json(const std::optional<std::string>& a, const std::optional<std::string>& b) {
  if (!a || !b) return !a && !b;
  return *a == *b || json_canonical(*a) == json_canonical(*b);
}

Status read_run(Access& access, std::string_view run_id, const RunReading& work) {
  HOLDFAST_ASSIGN(const Uuid id, parse_run_id(run_id));
  bool found = false;
  HOLDFAST_TRY(access.read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const RunRows rows(access, space_id, id);
    HOLDFAST_ASSIGN(const auto run, rows.read_run(source));
    found = run.has_value();
    return found ? work(source, rows, *run) : Status::ok();
  }));
  return found ? Status::ok() : no_run(access, run_id);
}

Status write_run(Access& access, std::string_view run_id, const RunWriting& work) {
  HOLDFAST_ASSIGN(const Uuid id, parse_run_id(run_id));
  bool found = false;
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const RunRows rows(access, space_id, id);
    HOLDFAST_ASSIGN(const auto run, rows.read_run(target));
    found = run.has_value();
    return found ? work(target, rows, *run) : Status::ok();
  }));
  return found ? Status::ok() : no_run(access, run_id);
}

Result<StepRow> find_step(search::KeySource& source, const RunRows& rows, std::string_view key) {
  HOLDFAST_ASSIGN(auto row, rows.read_step(source, key));
  if (row) return std::move(*row);
  return Status(StatusCode::kNotFound, "run " + rows.run().to_text() + " has no step \"" +
                                           std::string(key.substr(0, kStepKeySizeMax)) + "\"");
}

Status run_ended(const RunInfo& run) {
  return refused("run " + run.id + " is " + std::string(run_state_name(run.state)) +
                 (run.state == RunState::failed ? "; resume it first" : "; start another run"));
}

Status check_running(const RunInfo& run) {
  if (run.state == RunState::running) return Status::ok();
  if (run.state == RunState::paused) {
    return refused("run " + run.id + " is paused; resume it first");
  }
  return run_ended(run);
}

Status check_step(const NewStep& step) {
  HOLDFAST_TRY(check_name("a step's key", step.key, kStepKeySizeMax, "use its hash"));
  HOLDFAST_TRY(check_json("the step's input", step.input));
  HOLDFAST_TRY(check_awaited("steps", step.after));
  HOLDFAST_TRY(check_awaited("gates", step.gates));
  if (std::find(step.after.begin(), step.after.end(), step.key) != step.after.end()) {
    return invalid("step " + step.key + " is to wait for itself; leave that out");
  }
  constexpr uint32_t kCountMax = 1'000'000;
  if (step.attempts_max == 0 || step.attempts_max > kCountMax) {
    return invalid("attempts_max must be 1 to 1000000");
  }
  if (step.interruptions_max > kCountMax) return invalid("interruptions_max must be 0 to 1000000");
  const std::chrono::milliseconds none(0);
  HOLDFAST_TRY(check_span("backoff_first", step.backoff_first, none, kStepTimeMax));
  HOLDFAST_TRY(check_span("backoff_max", step.backoff_max, none, kStepTimeMax));
  return check_span("timeout", step.timeout, none, kStepTimeMax);
}

Result<PlannedStep> plan_step(Access& access, search::KeySource& source, const RunRows& rows,
                              const NewStep& step, const std::vector<PlannedStep>& planned) {
  PlannedStep plan;
  if (const PlannedStep* same = find_planned(planned, step.key)) {
    plan = *same;
    plan.existed = true;
  } else {
    HOLDFAST_ASSIGN(const auto existing, rows.read_step(source, step.key));
    if (existing) {
      plan.row = *existing;
      plan.existed = true;
      HOLDFAST_ASSIGN(plan.input, source.get(rows.step_data_key(step.key, DataKind::kInput)));
    }
  }
  if (plan.existed) {
    if (!step.input || same_json(plan.input, step.input)) return plan;
    return refused("step " + step.key + " of run " + rows.run().to_text() +
                   " exists with another input; a key names one piece of work: use another key, "
                   "or the input it was defined with");
  }
  StepRow& row = plan.row;
  HOLDFAST_ASSIGN(row.open, count_open(source, rows, step, planned));
  plan.input = step.input;
  row.seen.key = step.key;
  row.seen.state = row.open == 0 ? StepState::ready : StepState::waiting;
  row.seen.after = step.after;
  row.seen.gates = step.gates;
  row.seen.on_interrupt = step.on_interrupt;
  row.seen.created_us = access.next_stamp().created_us;
  row.attempts_max = step.attempts_max;
  row.interruptions_max = step.interruptions_max;
  row.backoff_first_us = later(0, step.backoff_first);
  row.backoff_max_us = later(0, step.backoff_max);
  row.timeout_us = later(0, step.timeout);
  return plan;
}

Status insert_planned(search::KeyTarget& target, const RunRows& rows, const PlannedStep& step) {
  if (step.existed) return Status::ok();
  if (step.input) {
    HOLDFAST_TRY(target.put(rows.step_data_key(step.row.seen.key, DataKind::kInput), *step.input));
  }
  return rows.insert_step(target, step.row);
}

Status complete_step(search::KeyTarget& target, const RunRows& rows, const StepRow& row,
                     std::string_view output, int64_t now_us, const RunNote& note) {
  StepRow done = without_lease(row);
  done.seen.state = StepState::completed;
  done.seen.ended_us = now_us;
  done.seen.error.clear();
  HOLDFAST_TRY(target.put(rows.step_data_key(row.seen.key, DataKind::kOutput), output));
  HOLDFAST_TRY(rows.change_step(target, row, done, note));
  if (!row.is_awaited) return Status::ok();
  return rows.release_dependents(target, AwaitedKind::kStep, row.seen.key);
}

StepRow without_lease(const StepRow& row) {
  StepRow next = row;
  next.lease_id.clear();
  next.seen.holder.clear();
  next.handle.reset();
  next.seen.due_us = 0;
  next.timeout_at_us = 0;
  return next;
}

std::string interruption_of(HandleLiveness& liveness, const StepRow& row, int64_t now_us) {
  if (!is_leased(row.seen.state)) return {};
  if (row.timeout_at_us != 0 && row.timeout_at_us <= now_us) {
    return "it took longer than its timeout, " + std::to_string(row.timeout_us / 1000) + " ms";
  }
  if (row.seen.due_us <= now_us) return "its lease expired at " + time_text(row.seen.due_us);
  if (row.handle && !liveness.alive(*row.handle)) return "the process that did it ended";
  return {};
}

StepRow after_interruption(const StepRow& row, std::string_view why, int64_t now_us) {
  StepRow next = without_lease(row);
  next.seen.error = std::string(why);
  next.seen.interruptions += 1;
  const bool too_often = next.seen.interruptions > row.interruptions_max;
  if (row.seen.state == StepState::undoing) {
    next.seen.state = too_often ? StepState::indeterminate : StepState::undo_due;
    return next;
  }
  switch (row.seen.on_interrupt) {
    case OnInterrupt::ask:
      next.seen.state = StepState::indeterminate;
      return next;
    case OnInterrupt::retry:
      if (!too_often) next.seen.state = StepState::ready;
      break;
    case OnInterrupt::compensate:
      // Also when it was interrupted too often: what it may have done has to be undone.
      next.seen.state = StepState::undo_due;
      return next;
    case OnInterrupt::fail:
      break;
  }
  if (next.seen.state == StepState::ready) return next;
  next.seen.state = StepState::failed;
  next.seen.ended_us = now_us;
  return next;
}

Result<uint64_t> settle_interrupted(Access& access, search::KeyTarget& target, const RunRows& rows,
                                    size_t limit) {
  const int64_t now_us = access.now_us();
  HandleLiveness liveness(access);
  std::vector<std::string> hints;
  const auto note_key = [&](std::string_view key) {
    hints.emplace_back(rows.key_of_index(key));
    return hints.size() < limit;
  };
  for (const StepState state : {StepState::running, StepState::undoing}) {
    HOLDFAST_TRY(
        target.peek_scan(rows.index_range_until(state, now_us + 1),
                         [&](std::string_view key, std::string_view) { return note_key(key); }));
    HOLDFAST_TRY(target.peek_scan(
        rows.index_range(state), [&](std::string_view key, std::string_view value) {
          const auto handle = decode_step_handle(value);
          return handle && !liveness.alive(*handle) ? note_key(key) : true;
        }));
  }
  uint64_t settled = 0;
  for (const std::string& key : hints) {
    HOLDFAST_ASSIGN(const auto row, rows.read_step(target, key));
    if (!row) continue;
    const std::string why = interruption_of(liveness, *row, now_us);
    if (why.empty()) continue;
    HOLDFAST_TRY(rows.change_step(target, *row, after_interruption(*row, why, now_us),
                                  {row->seen.holder, why}));
    ++settled;
  }
  return settled;
}

}  // namespace holdfast::memory
