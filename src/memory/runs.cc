// Runs themselves, their gates and their timeline; run_steps.cc and run_take.cc have the steps.
#include "holdfast/run.h"

#include "base/time_text.h"
#include "memory/fields.h"
#include "memory/run_work.h"
#include "memory/text_check.h"

namespace holdfast {

using memory::Access;
using memory::RunRows;

namespace {

Status check_gate(const NewGate& gate) {
  HOLDFAST_TRY(memory::check_name("a gate's name", gate.name, kStepKeySizeMax));
  HOLDFAST_TRY(memory::check_text("the gate's prompt", gate.prompt, kStepErrorSizeMax));
  return memory::check_span("timeout", gate.timeout, std::chrono::milliseconds(0), kStepTimeMax);
}

// The run that has `key`, if it was started with the same input.
Result<std::optional<std::string>> find_started(Access& access, search::KeySource& source,
                                                uint32_t space_id, const NewRun& run) {
  HOLDFAST_ASSIGN(const auto bytes, source.get(RunRows::run_name_key(space_id, *run.key)));
  if (!bytes) return std::optional<std::string>();
  Uuid id;
  if (bytes->size() != id.bytes.size()) {
    return memory::malformed("the entry of a run's key");
  }
  std::copy(bytes->begin(), bytes->end(), reinterpret_cast<char*>(id.bytes.data()));
  const RunRows rows(access, space_id, id);
  HOLDFAST_ASSIGN(const auto input, source.get(rows.run_data_key(memory::DataKind::kInput)));
  if (memory::same_json(input, run.input)) return std::optional<std::string>(id.to_text());
  return memory::refused("run " + id.to_text() +
                         " was started with this key and another input; use another key");
}

// Any step that is not completed, for the message.
Status check_all_completed(search::KeySource& source, const RunRows& rows) {
  using enum StepState;
  for (const StepState state :
       {running, undoing, indeterminate, undo_due, failed, delayed, ready, waiting}) {
    HOLDFAST_ASSIGN(const uint64_t count, rows.count(source, state));
    if (count == 0) continue;
    std::string key;
    HOLDFAST_TRY(
        source.scan(rows.index_range(state), [&](std::string_view found, std::string_view) {
          key = rows.key_of_index(found);
          return false;
        }));
    return memory::refused("step " + key + " is " + std::string(step_state_name(state)) +
                           "; a run is finished when all its steps are completed: complete or "
                           "resolve it, or fail or cancel the run");
  }
  return Status::ok();
}

struct Move {
  RunState to;
  std::string_view error = {};
  std::optional<std::string_view> output = {};
};

Status move_run(Access& access, std::string_view run_id, const Move& move) {
  const auto work = [&](search::KeyTarget& target, const RunRows& rows,
                        const RunInfo& run) -> Status {
    if (!memory::may_move(run.state, move.to)) {
      return memory::refused("run " + run.id + " is " + std::string(run_state_name(run.state)) +
                             " and cannot become " + std::string(run_state_name(move.to)));
    }
    if (move.to == RunState::completed) HOLDFAST_TRY(check_all_completed(target, rows));
    RunInfo next = run;
    next.state = move.to;
    next.ended_us = memory::has_ended(move.to) ? access.now_us() : 0;
    next.error = std::string(move.error.substr(0, kStepErrorSizeMax));
    if (move.output) {
      HOLDFAST_TRY(target.put(rows.run_data_key(memory::DataKind::kOutput), *move.output));
    }
    return rows.change_run(target, run, next, {{}, next.error});
  };
  return memory::write_run(access, run_id, work);
}

}  // namespace

Runs::Runs(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<StartedRun> Runs::start(const NewRun& run) const {
  HOLDFAST_TRY(memory::check_name("a run's name", run.name, kRunNameSizeMax));
  if (run.key) HOLDFAST_TRY(memory::check_name("a run's key", *run.key, kRunKeySizeMax));
  if (run.session) HOLDFAST_TRY(memory::check_text("session", *run.session, kRunNameSizeMax));
  HOLDFAST_TRY(memory::check_json("the run's input", run.input));
  StartedRun started;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    started = {};
    if (run.key) {
      HOLDFAST_ASSIGN(const auto id, find_started(*access_, target, space_id, run));
      if (id) {
        started = {*id, true};
        return Status::ok();
      }
    }
    const memory::Stamp stamp = access_->next_stamp();
    RunInfo info;
    info.id = started.id = stamp.id.to_text();
    info.name = run.name;
    info.key = run.key;
    info.session = run.session;
    info.input = run.input;
    info.created_us = stamp.created_us;
    return RunRows(*access_, space_id, stamp.id).insert_run(target, info);
  }));
  return started;
}

Result<RunInfo> Runs::get(std::string_view run_id) const {
  RunInfo info;
  const auto work = [&](search::KeySource& source, const RunRows& rows,
                        const RunInfo& run) -> Status {
    info = run;
    HOLDFAST_ASSIGN(info.input, source.get(rows.run_data_key(memory::DataKind::kInput)));
    HOLDFAST_ASSIGN(info.output, source.get(rows.run_data_key(memory::DataKind::kOutput)));
    return Status::ok();
  };
  HOLDFAST_TRY(memory::read_run(*access_, run_id, work));
  return info;
}

Result<std::vector<RunInfo>> Runs::list(const RunListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kRunListLimitMax));
  std::optional<Uuid> behind;
  if (!options.after.empty()) {
    behind = Uuid::parse(options.after);
    if (!behind) return memory::invalid("`after` is not a run's id");
  }
  std::vector<RunInfo> listed;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    KeyRange range = options.state ? RunRows::run_state_range(space_id, *options.state)
                                   : RunRows::run_range(space_id);
    if (behind) range.begin += memory::complement(behind->view()) + '\0';
    std::vector<Uuid> ids;
    HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view) {
      ids.push_back(RunRows::run_of(key));
      return ids.size() < options.limit;
    }));
    for (const Uuid& id : ids) {
      HOLDFAST_ASSIGN(auto run, RunRows(*access_, space_id, id).read_run(source));
      if (run) listed.push_back(std::move(*run));
    }
    return Status::ok();
  }));
  return listed;
}

Result<RunProgress> Runs::progress(std::string_view run_id) const {
  RunProgress progress;
  const auto work = [&](search::KeySource& source, const RunRows& rows, const RunInfo&) -> Status {
    HOLDFAST_ASSIGN(progress.waiting, rows.count(source, StepState::waiting));
    HOLDFAST_ASSIGN(progress.ready, rows.count(source, StepState::ready));
    HOLDFAST_ASSIGN(progress.delayed, rows.count(source, StepState::delayed));
    HOLDFAST_ASSIGN(progress.running, rows.count(source, StepState::running));
    HOLDFAST_ASSIGN(progress.completed, rows.count(source, StepState::completed));
    HOLDFAST_ASSIGN(progress.failed, rows.count(source, StepState::failed));
    HOLDFAST_ASSIGN(progress.indeterminate, rows.count(source, StepState::indeterminate));
    HOLDFAST_ASSIGN(progress.undo_due, rows.count(source, StepState::undo_due));
    HOLDFAST_ASSIGN(progress.undoing, rows.count(source, StepState::undoing));
    return Status::ok();
  };
  HOLDFAST_TRY(memory::read_run(*access_, run_id, work));
  return progress;
}

Status Runs::finish(std::string_view run_id, std::optional<std::string_view> output) const {
  if (output) HOLDFAST_TRY(memory::check_data("the run's output", *output));
  return move_run(*access_, run_id, {RunState::completed, {}, output});
}
Status Runs::fail(std::string_view run_id, std::string_view error) const {
  return move_run(*access_, run_id, {RunState::failed, error});
}
Status Runs::cancel(std::string_view run_id, std::string_view reason) const {
  return move_run(*access_, run_id, {RunState::cancelled, reason});
}
Status Runs::pause(std::string_view run_id) const {
  return move_run(*access_, run_id, {RunState::paused});
}
Status Runs::resume(std::string_view run_id) const {
  return move_run(*access_, run_id, {RunState::running});
}

Status Runs::remove(std::string_view run_id) const {
  return memory::write_run(
      *access_, run_id, [&](search::KeyTarget& target, const RunRows& rows, const RunInfo& run) {
        if (!memory::has_ended(run.state)) {
          return memory::refused("run " + run.id + " is " + std::string(run_state_name(run.state)) +
                                 "; cancel it first");
        }
        return rows.erase_run(target, run);
      });
}

Result<std::vector<RunEvent>> Runs::timeline(std::string_view run_id, std::string_view cursor,
                                             size_t limit) const {
  HOLDFAST_TRY(memory::check_limit(limit, kRunListLimitMax));
  std::vector<RunEvent> events;
  const auto work = [&](search::KeySource& source, const RunRows& rows, const RunInfo&) -> Status {
    KeyRange range = rows.timeline_range();
    if (!cursor.empty()) range.begin.append(cursor).push_back('\0');
    Status damage;
    HOLDFAST_TRY(source.scan(range, [&](std::string_view key, std::string_view value) {
      auto event = rows.decode_event(key, value);
      damage = event.status();
      if (event) events.push_back(std::move(*event));
      return damage && events.size() < limit;
    }));
    return damage;
  };
  HOLDFAST_TRY(memory::read_run(*access_, run_id, work));
  return events;
}

Result<bool> Runs::open_gate(std::string_view run_id, const NewGate& gate) const {
  HOLDFAST_TRY(check_gate(gate));
  bool existed = false;
  const auto work = [&](search::KeyTarget& target, const RunRows& rows,
                        const RunInfo& run) -> Status {
    HOLDFAST_ASSIGN(const auto existing, rows.read_gate(target, gate.name));
    existed = existing.has_value();
    if (existed) return Status::ok();
    if (memory::has_ended(run.state)) return memory::run_ended(run);
    GateInfo opened;
    opened.name = gate.name;
    opened.prompt = gate.prompt;
    opened.created_us = access_->now_us();
    if (gate.timeout.count() > 0)
      opened.expires_us = memory::later(opened.created_us, gate.timeout);
    return rows.write_gate(target, opened);
  };
  HOLDFAST_TRY(memory::write_run(*access_, run_id, work));
  return existed;
}

Status Runs::decide_gate(std::string_view run_id, std::string_view name, bool approved,
                         std::string_view by, std::string_view comment) const {
  HOLDFAST_TRY(memory::check_text("by", by, kRunNameSizeMax));
  HOLDFAST_TRY(memory::check_text("the comment", comment, kStepErrorSizeMax));
  const auto work = [&](search::KeyTarget& target, const RunRows& rows,
                        const RunInfo& run) -> Status {
    HOLDFAST_ASSIGN(const auto gate, rows.read_gate(target, name));
    if (!gate) {
      return Status(StatusCode::kNotFound,
                    "run " + run.id + " has no gate \"" + std::string(name) + "\"");
    }
    if (gate->state == GateState::expired) {
      return memory::refused("gate " + gate->name + " expired at " + time_text(gate->expires_us) +
                             "; open another and wait for that");
    }
    if (gate->state != GateState::waiting) {
      return memory::refused(
          "gate " + gate->name + " was " + std::string(gate_state_name(gate->state)) + " at " +
          time_text(gate->decided_us) +
          (gate->decided_by.empty() ? "" : " by " + gate->decided_by) + "; a decision is final");
    }
    GateInfo decided = *gate;
    decided.state = approved ? GateState::approved : GateState::rejected;
    decided.decided_us = access_->now_us();
    decided.decided_by = std::string(by);
    decided.comment = std::string(comment);
    HOLDFAST_TRY(rows.write_gate(target, decided));
    return approved ? rows.release_dependents(target, memory::AwaitedKind::kGate, name)
                    : Status::ok();
  };
  return memory::write_run(*access_, run_id, work);
}

Result<GateInfo> Runs::gate(std::string_view run_id, std::string_view name) const {
  std::optional<GateInfo> found;
  const auto work = [&](search::KeySource& source, const RunRows& rows, const RunInfo&) -> Status {
    HOLDFAST_ASSIGN(found, rows.read_gate(source, name));
    return Status::ok();
  };
  HOLDFAST_TRY(memory::read_run(*access_, run_id, work));
  if (found) return std::move(*found);
  return Status(StatusCode::kNotFound,
                "run " + std::string(run_id) + " has no gate \"" + std::string(name) + "\"");
}

Result<std::vector<GateInfo>> Runs::gates(std::string_view run_id) const {
  std::vector<GateInfo> listed;
  const auto work = [&](search::KeySource& source, const RunRows& rows, const RunInfo&) -> Status {
    Status damage;
    HOLDFAST_TRY(source.scan(rows.gate_range(), [&](std::string_view key, std::string_view value) {
      auto gate = rows.decode_gate(rows.name_of_gate(key), value);
      damage = gate.status();
      if (gate) listed.push_back(std::move(*gate));
      return damage && listed.size() < kRunListLimitMax;
    }));
    return damage;
  };
  HOLDFAST_TRY(memory::read_run(*access_, run_id, work));
  return listed;
}

}  // namespace holdfast
