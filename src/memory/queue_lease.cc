// Taking jobs and what their takers do with them: each change of a leased job asks whether this
// attempt still holds it.
#include <algorithm>

#include "base/time_text.h"
#include "memory/lease.h"
#include "memory/queue_work.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::Access;
using memory::JobRow;
using memory::QueueRows;
using std::chrono::milliseconds;

constexpr size_t kReviveMax = 64;        // jobs that one take brings back
constexpr size_t kLeasedLookedAt = 256;  // leases whose owners one take looks for
constexpr uint64_t kCrowdMax = 64;

Status fenced(const Job& job) {
  return Status(StatusCode::kFenced, "job " + job.id + " is no longer leased by attempt " +
                                         std::to_string(job.attempt) +
                                         ": its lease ended and it came back; drop what you did "
                                         "and take a job again");
}

milliseconds backoff(const QueueOptions& options, uint32_t attempts) {
  milliseconds pause = options.backoff_first;
  for (uint32_t i = 1; i < attempts && pause < options.backoff_max; ++i) pause *= 2;
  return std::min(pause, options.backoff_max);
}

// The row of a job whose attempt ended without a result. `due_us`: when it may be taken again.
JobRow after_failure(const JobRow& row, const QueueOptions& options, std::string_view error,
                     int64_t due_us, int64_t now_us) {
  JobRow next = row;
  next.lease_id.clear();
  next.holder.clear();
  next.handle.reset();
  next.error = std::string(error.substr(0, kJobErrorSizeMax));
  if (row.attempts >= options.attempts_max) {
    next.state = JobState::dead;
    next.due_us = now_us;
  } else if (due_us > now_us) {
    next.state = JobState::delayed;
    next.due_us = due_us;
  } else {
    next.state = JobState::ready;
    next.due_us = 0;
  }
  return next;
}

// Brings back what is due: delayed jobs, leases that expired or whose process has ended.
Status revive(Access& access, search::KeyTarget& target, const QueueRows& rows,
              const QueueOptions& options, int64_t now_us) {
  HOLDFAST_ASSIGN(const auto due,
                  memory::peek_job_ids(
                      target, rows.index_range_until(JobState::delayed, now_us + 1), kReviveMax));
  for (const Uuid& id : due) {
    HOLDFAST_ASSIGN(const auto row, rows.read(target, id));
    if (!row || row->state != JobState::delayed || row->due_us > now_us) continue;
    JobRow ready = *row;
    ready.state = JobState::ready;
    ready.due_us = 0;
    HOLDFAST_TRY(rows.change(target, *row, ready));
  }
  memory::HandleLiveness liveness(access);
  HOLDFAST_ASSIGN(auto ended,
                  memory::peek_job_ids(target, rows.index_range_until(JobState::leased, now_us + 1),
                                       kReviveMax));
  const auto is_dead = [&](std::string_view value) {
    const auto handle = memory::decode_handle(value);
    return handle && !liveness.alive(*handle);
  };
  HOLDFAST_ASSIGN(
      const auto orphaned,
      memory::peek_job_ids(target, rows.index_range(JobState::leased), kLeasedLookedAt, is_dead));
  ended.insert(ended.end(), orphaned.begin(), orphaned.end());
  for (const Uuid& id : ended) {
    HOLDFAST_ASSIGN(const auto row, rows.read(target, id));
    if (!row || row->state != JobState::leased) continue;
    const bool expired = row->due_us <= now_us;
    if (!expired && !(row->handle && !liveness.alive(*row->handle))) continue;
    const std::string error = expired ? "the lease expired at " + time_text(row->due_us)
                                      : std::string("the process that had taken it ended");
    HOLDFAST_TRY(rows.change(target, *row, after_failure(*row, options, error, now_us, now_us)));
  }
  return Status::ok();
}

// Where among the first ready jobs to begin, so that a crowd of takers does not want the same one.
Result<size_t> place_in_crowd(Access& access, search::KeySource& source, const QueueRows& rows) {
  HOLDFAST_ASSIGN(const uint64_t leased, rows.count(source, JobState::leased));
  if (leased == 0) return size_t{0};
  const Uuid noise = access.next_stamp().id;
  return static_cast<size_t>((noise.bytes[14] << 8 | noise.bytes[15]) %
                             (std::min(2 * leased, kCrowdMax) + 1));
}

Result<std::vector<Job>> lease_ready(Access& access, search::KeyTarget& target,
                                     const QueueRows& rows, const TakeOptions& options,
                                     int64_t now_us) {
  std::vector<Job> jobs;
  HOLDFAST_ASSIGN(size_t place, place_in_crowd(access, target, rows));
  HOLDFAST_ASSIGN(const auto ready, memory::peek_job_ids(target, rows.index_range(JobState::ready),
                                                         place + 2 * options.limit));
  if (place + options.limit > ready.size()) place = 0;
  for (size_t i = 0; i < ready.size() && jobs.size() < options.limit; ++i) {
    const Uuid& id = ready[(place + i) % ready.size()];
    HOLDFAST_ASSIGN(const auto row, rows.read(target, id));
    if (!row || row->state != JobState::ready) continue;
    HOLDFAST_ASSIGN(auto payload, target.get(rows.payload_key(id)));
    JobRow leased = *row;
    leased.state = JobState::leased;
    leased.attempts += 1;
    leased.due_us = memory::later(now_us, options.lease);
    leased.lease_id = access.next_stamp().id.to_text();
    leased.holder = options.holder;
    if (options.bound_to_handle) leased.handle = access.handle_id();
    HOLDFAST_TRY(rows.change(target, *row, leased));
    jobs.push_back(memory::to_job(leased, payload ? std::move(*payload) : std::string()));
  }
  return jobs;
}

Result<std::vector<Job>> take_now(Access& access, std::string_view name,
                                  const TakeOptions& options) {
  std::vector<Job> jobs;
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const QueueRows rows(space_id, name);
    const int64_t now_us = access.now_us();
    HOLDFAST_ASSIGN(const QueueOptions queue_options, rows.read_options(target));
    HOLDFAST_TRY(revive(access, target, rows, queue_options, now_us));
    HOLDFAST_ASSIGN(jobs, lease_ready(access, target, rows, options, now_us));
    return Status::ok();
  }));
  return jobs;
}

// Runs `work` on the row of a leased job; Fenced when this attempt does not hold it any more.
Status with_lease(Access& access, std::string_view name, const Job& job,
                  const memory::JobWork& work) {
  const auto holds = [&](const JobRow& row) {
    return row.state == JobState::leased && row.lease_id == job.lease_id;
  };
  HOLDFAST_ASSIGN(const bool found, memory::change_job(access, name, job.id, holds, work));
  return found ? Status::ok() : fenced(job);
}

}  // namespace

Result<std::vector<Job>> Queue::take(const TakeOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kJobTakeMax));
  HOLDFAST_TRY(memory::check_span("lease", options.lease, milliseconds(1), kJobLeaseMax));
  HOLDFAST_TRY(memory::check_text("holder", options.holder, kJobKeySizeMax));
  const int64_t give_up_us = memory::later(access_->now_us(), options.wait);
  while (true) {
    HOLDFAST_ASSIGN(auto jobs, take_now(*access_, name_, options));
    if (!jobs.empty() || access_->now_us() >= give_up_us || !access_->pause()) return jobs;
  }
}

Result<Job> Queue::extend(const Job& job, milliseconds lease) const {
  HOLDFAST_TRY(memory::check_span("lease", lease, milliseconds(1), kJobLeaseMax));
  Job extended = job;
  HOLDFAST_TRY(with_lease(*access_, name_, job,
                          [&](search::KeyTarget& target, const QueueRows& rows, const JobRow& row) {
                            JobRow longer = row;
                            longer.due_us = memory::later(access_->now_us(), lease);
                            extended.lease_expires_us = longer.due_us;
                            return rows.change(target, row, longer);
                          }));
  return extended;
}

Status Queue::ack(const Job& job, std::optional<std::string_view> result) const {
  if (result && result->size() > kJobResultSizeMax) {
    return Status(StatusCode::kTooLarge,
                  "the result has " + std::to_string(result->size()) + " bytes; at most " +
                      std::to_string(kJobResultSizeMax) +
                      " are allowed: store it as an artifact and keep its name");
  }
  const auto done = [&](search::KeyTarget& target, const QueueRows& rows,
                        const JobRow& row) -> Status {
    if (!result) return rows.erase(target, row);
    if (row.key) HOLDFAST_TRY(target.del(rows.name_key(*row.key)));
    HOLDFAST_TRY(target.del(rows.payload_key(row.id)));
    HOLDFAST_TRY(target.put(rows.result_key(row.id), *result));
    JobRow next = row;
    next.state = JobState::done;
    next.due_us = access_->now_us();
    next.lease_id.clear();
    next.handle.reset();
    return rows.change(target, row, next);
  };
  return with_lease(*access_, name_, job, done);
}

Status Queue::nack(const Job& job, std::string_view error,
                   std::optional<milliseconds> delay) const {
  if (delay) HOLDFAST_TRY(memory::check_span("delay", *delay, milliseconds(0), kJobDelayMax));
  const std::string_view kept = error.substr(0, kJobErrorSizeMax);
  return with_lease(
      *access_, name_, job,
      [&](search::KeyTarget& target, const QueueRows& rows, const JobRow& row) -> Status {
        HOLDFAST_ASSIGN(const QueueOptions options, rows.read_options(target));
        const int64_t now_us = access_->now_us();
        const int64_t due_us =
            memory::later(now_us, delay.value_or(backoff(options, row.attempts)));
        return rows.change(target, row, after_failure(row, options, kept, due_us, now_us));
      });
}

}  // namespace holdfast
