// How steps are begun and taken, and how an attempt ends.
#include <algorithm>

#include "base/time_text.h"
#include "memory/run_work.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::Access;
using memory::DataKind;
using memory::RunRows;
using memory::StepRow;

constexpr size_t kSettledByTake = 64;
constexpr uint64_t kCrowdMax = 64;

Status check_lease(const StepLeaseOptions& options) {
  using std::chrono::milliseconds;
  HOLDFAST_TRY(memory::check_span("lease", options.lease, milliseconds(1), kStepLeaseMax));
  HOLDFAST_TRY(memory::check_span("wait", options.wait, milliseconds(0), kStepTimeMax));
  return memory::check_text("holder", options.holder, kRunNameSizeMax);
}

Result<StepLease> lease_step(Access& access, search::KeyTarget& target, const RunRows& rows,
                             const StepRow& row, const StepLeaseOptions& options) {
  const int64_t now_us = access.now_us();
  StepRow leased = row;
  const bool is_undo = row.seen.state == StepState::undo_due;
  leased.seen.state = is_undo ? StepState::undoing : StepState::running;
  if (!is_undo) leased.seen.attempts += 1;
  leased.seen.started_us = now_us;
  leased.seen.ended_us = 0;
  leased.seen.due_us = memory::later(now_us, options.lease);
  leased.timeout_at_us = row.timeout_us == 0 ? 0 : now_us + row.timeout_us;
  if (row.timeout_us != 0) {
    leased.seen.due_us = std::min(leased.seen.due_us, leased.timeout_at_us);
  }
  leased.lease_id = access.next_stamp().id.to_text();
  leased.seen.holder = options.holder;
  if (options.bound_to_handle) leased.handle = access.handle_id();
  StepLease lease;
  lease.run_id = rows.run().to_text();
  lease.key = row.seen.key;
  lease.lease_id = leased.lease_id;
  lease.is_undo = is_undo;
  lease.attempt = leased.seen.attempts;
  lease.expires_us = leased.seen.due_us;
  lease.last_error = row.seen.error;
  HOLDFAST_ASSIGN(lease.input, target.get(rows.step_data_key(row.seen.key, DataKind::kInput)));
  HOLDFAST_TRY(rows.change_step(target, row, leased, {options.holder, {}}));
  return lease;
}

Status cannot_begin(const StepRow& row, const RunRows& rows) {
  const std::string step = "step " + row.seen.key + " of run " + rows.run().to_text();
  switch (row.seen.state) {
    case StepState::running:
    case StepState::undoing:
      return Status(StatusCode::kBusy,
                    step + " is " + std::string(step_state_name(row.seen.state)) +
                        (row.seen.holder.empty() ? "" : ", done by " + row.seen.holder) +
                        ", until " + time_text(row.seen.due_us) + "; wait for it");
    case StepState::delayed:
      return memory::refused(step + " failed and is tried again at " + time_text(row.seen.due_us) +
                             ": " + row.seen.error);
    case StepState::failed:
      return memory::refused(step + " failed: " + row.seen.error + "; retry it first");
    case StepState::indeterminate:
      return memory::refused(step + " may have been done: " + row.seen.error +
                             "; look, and resolve it");
    case StepState::undo_due:
      return memory::refused(step + " has to be undone first; take it for that");
    default:
      return memory::refused(step + " waits for " + std::to_string(row.open) +
                             " steps or gates; see `holdfast step show`");
  }
}

Status begin_now(Access& access, search::KeyTarget& target, const RunRows& rows, const RunInfo& run,
                 const NewStep& step, const StepLeaseOptions& options, StepBegin& begun) {
  begun = {};
  HOLDFAST_ASSIGN(const auto planned, memory::plan_step(access, target, rows, step, {}));
  StepRow row = planned.row;
  // A result outlives the run's end; nothing else does.
  if (row.seen.state != StepState::completed) HOLDFAST_TRY(memory::check_running(run));
  HOLDFAST_TRY(memory::insert_planned(target, rows, planned));
  const int64_t now_us = access.now_us();
  memory::HandleLiveness liveness(access);
  if (const auto why = memory::interruption_of(liveness, row, now_us); !why.empty()) {
    const StepRow next = memory::after_interruption(row, why, now_us);
    HOLDFAST_TRY(rows.change_step(target, row, next, {row.seen.holder, why}));
    row = next;
  }
  if (row.seen.state == StepState::completed) {
    HOLDFAST_ASSIGN(auto output, target.get(rows.step_data_key(step.key, DataKind::kOutput)));
    begun.completed = true;
    if (output) begun.output = std::move(*output);
    return Status::ok();
  }
  const bool is_due = row.seen.state == StepState::delayed && row.seen.due_us <= now_us;
  if (row.seen.state == StepState::ready || is_due) {
    HOLDFAST_ASSIGN(begun.lease, lease_step(access, target, rows, row, options));
  }
  return Status::ok();
}

// One attempt. What it settles or defines is kept also when the step cannot be begun, so the
// refusal is returned behind the commit: `begun` then has neither a lease nor a result.
Result<StepBegin> try_begin(Access& access, std::string_view run_id, const NewStep& step,
                            const StepLeaseOptions& options) {
  StepBegin begun;
  Status refusal;
  const auto work = [&](search::KeyTarget& target, const RunRows& rows,
                        const RunInfo& run) -> Status {
    refusal = Status::ok();
    HOLDFAST_TRY(begin_now(access, target, rows, run, step, options, begun));
    if (begun.completed || begun.lease) return Status::ok();
    HOLDFAST_ASSIGN(const StepRow row, memory::find_step(target, rows, step.key));
    refusal = cannot_begin(row, rows);
    return Status::ok();
  };
  HOLDFAST_TRY(memory::write_run(access, run_id, work));
  HOLDFAST_TRY(refusal);
  return begun;
}

// Keys of the first steps that can be taken, what is to be undone first.
Result<std::vector<std::string>> look_for_steps(search::KeySource& source, const RunRows& rows,
                                                int64_t now_us, size_t limit) {
  std::vector<std::string> keys;
  const auto add = [&](std::string_view key, std::string_view) {
    keys.emplace_back(rows.key_of_index(key));
    return keys.size() < limit;
  };
  HOLDFAST_TRY(source.peek_scan(rows.index_range(StepState::undo_due), add));
  if (keys.size() < limit) {
    HOLDFAST_TRY(source.peek_scan(rows.index_range_until(StepState::delayed, now_us + 1), add));
  }
  if (keys.size() < limit) {
    HOLDFAST_TRY(source.peek_scan(rows.index_range(StepState::ready), add));
  }
  return keys;
}

bool can_be_taken(const StepRow& row, int64_t now_us) {
  return row.seen.state == StepState::ready || row.seen.state == StepState::undo_due ||
         (row.seen.state == StepState::delayed && row.seen.due_us <= now_us);
}

Result<std::optional<StepLease>> take_now(Access& access, std::string_view run_id,
                                          const StepLeaseOptions& options) {
  std::optional<StepLease> taken;
  const auto work = [&](search::KeyTarget& target, const RunRows& rows,
                        const RunInfo& run) -> Status {
    taken.reset();
    HOLDFAST_TRY(memory::check_running(run));
    HOLDFAST_TRY(memory::settle_interrupted(access, target, rows, kSettledByTake).status());
    const int64_t now_us = access.now_us();
    // A crowd of workers must not want the same step: where others are, begin further behind.
    HOLDFAST_ASSIGN(const auto keys, look_for_steps(target, rows, now_us, kCrowdMax));
    size_t others = 0;
    HOLDFAST_TRY(
        target.peek_scan(rows.index_range(StepState::running),
                         [&](std::string_view, std::string_view) { return ++others < kCrowdMax; }));
    const Uuid noise = access.next_stamp().id;
    const size_t span = std::min(keys.size(), others + 1);
    const size_t place = span == 0 ? 0 : (noise.bytes[14] << 8 | noise.bytes[15]) % span;
    for (size_t i = 0; i < keys.size() && !taken; ++i) {
      HOLDFAST_ASSIGN(const auto row, rows.read_step(target, keys[(place + i) % keys.size()]));
      if (!row || !can_be_taken(*row, now_us)) continue;
      HOLDFAST_ASSIGN(taken, lease_step(access, target, rows, *row, options));
    }
    return Status::ok();
  };
  HOLDFAST_TRY(memory::write_run(access, run_id, work));
  return taken;
}

Status fenced(const StepLease& lease, const std::string& why) {
  return Status(StatusCode::kFenced, "this attempt at step " + lease.key + " " + why +
                                         "; drop what it did not commit and take a step again");
}

// Runs `work` on the row of a leased step; Fenced when this attempt does not hold it any more.
using LeasedWork = std::function<Status(search::KeyTarget&, const RunRows&, const StepRow&)>;
Status with_lease(Access& access, const StepLease& lease, const LeasedWork& work) {
  return memory::write_run(
      access, lease.run_id,
      [&](search::KeyTarget& target, const RunRows& rows, const RunInfo& run) -> Status {
        if (run.state == RunState::cancelled) return fenced(lease, "ended: the run was cancelled");
        HOLDFAST_ASSIGN(const auto row, rows.read_step(target, lease.key));
        const bool holds =
            row && memory::is_leased(row->seen.state) && row->lease_id == lease.lease_id;
        if (!holds) return fenced(lease, "has ended and the step is settled or another's");
        return work(target, rows, *row);
      });
}

int64_t backoff_us(const StepRow& row) {
  int64_t pause = row.backoff_first_us;
  for (uint32_t i = 1; i < row.seen.failures && pause < row.backoff_max_us; ++i) pause *= 2;
  return std::min(pause, row.backoff_max_us);
}

StepRow after_failure(const StepRow& row, std::string_view error, bool final, int64_t now_us) {
  StepRow next = memory::without_lease(row);
  next.seen.error = std::string(error);
  if (row.seen.state == StepState::undoing) {
    next.seen.state = StepState::indeterminate;
    return next;
  }
  next.seen.failures += 1;
  if (final || next.seen.failures >= row.attempts_max) {
    next.seen.state = StepState::failed;
    next.seen.ended_us = now_us;
  } else {
    next.seen.state = StepState::delayed;
    next.seen.due_us = now_us + backoff_us(next);
  }
  return next;
}

Status finish_undo(search::KeyTarget& target, const RunRows& rows, const StepRow& row,
                   int64_t now_us) {
  StepRow next = memory::without_lease(row);
  const bool again = row.seen.interruptions <= row.interruptions_max;
  next.seen.state = again ? StepState::ready : StepState::failed;
  if (!again) next.seen.ended_us = now_us;
  return rows.change_step(target, row, next, {row.seen.holder, "undone"});
}

}  // namespace

Result<StepBegin> Runs::begin(std::string_view run_id, const NewStep& step,
                              const StepLeaseOptions& options) const {
  HOLDFAST_TRY(memory::check_step(step));
  HOLDFAST_TRY(check_lease(options));
  const int64_t give_up_us = memory::later(access_->now_us(), options.wait);
  while (true) {
    auto begun = try_begin(*access_, run_id, step, options);
    if (begun || begun.status().code() != StatusCode::kBusy) return begun;
    if (access_->now_us() >= give_up_us || !access_->pause()) return begun;
  }
}

Result<std::optional<StepLease>> Runs::take(std::string_view run_id,
                                            const StepLeaseOptions& options) const {
  HOLDFAST_TRY(check_lease(options));
  const int64_t give_up_us = memory::later(access_->now_us(), options.wait);
  while (true) {
    HOLDFAST_ASSIGN(auto lease, take_now(*access_, run_id, options));
    if (lease || access_->now_us() >= give_up_us || !access_->pause()) return lease;
  }
}

Result<StepLease> Runs::heartbeat(const StepLease& lease,
                                  std::chrono::milliseconds prolong_by) const {
  HOLDFAST_TRY(
      memory::check_span("lease", prolong_by, std::chrono::milliseconds(1), kStepLeaseMax));
  StepLease prolonged = lease;
  HOLDFAST_TRY(
      with_lease(*access_, lease,
                 [&](search::KeyTarget& target, const RunRows& rows, const StepRow& row) -> Status {
                   const int64_t now_us = access_->now_us();
                   if (row.timeout_at_us != 0 && row.timeout_at_us <= now_us) {
                     return fenced(lease, "took longer than its timeout");
                   }
                   StepRow longer = row;
                   longer.seen.due_us = memory::later(now_us, prolong_by);
                   if (row.timeout_at_us != 0) {
                     longer.seen.due_us = std::min(longer.seen.due_us, row.timeout_at_us);
                   }
                   prolonged.expires_us = longer.seen.due_us;
                   return rows.change_step(target, row, longer);
                 }));
  return prolonged;
}

Status Runs::complete(const StepLease& lease, std::string_view output) const {
  HOLDFAST_TRY(memory::check_data("the output", output));
  return with_lease(
      *access_, lease, [&](search::KeyTarget& target, const RunRows& rows, const StepRow& row) {
        const int64_t now_us = access_->now_us();
        if (row.seen.state == StepState::undoing) {
          return finish_undo(target, rows, row, now_us);
        }
        return memory::complete_step(target, rows, row, output, now_us, {row.seen.holder, {}});
      });
}

Status Runs::fail(const StepLease& lease, std::string_view error, bool final) const {
  const std::string_view kept = error.substr(0, kStepErrorSizeMax);
  return with_lease(
      *access_, lease, [&](search::KeyTarget& target, const RunRows& rows, const StepRow& row) {
        return rows.change_step(target, row, after_failure(row, kept, final, access_->now_us()),
                                {row.seen.holder, kept});
      });
}

}  // namespace holdfast
