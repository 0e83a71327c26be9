#include "holdfast/queue.h"

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

constexpr int kPriorityMax = 100;
constexpr size_t kListLimitMax = 10'000;

Status check_job(const NewJob& job) {
  if (job.payload.size() > kJobPayloadSizeMax) {
    return Status(StatusCode::kTooLarge,
                  "the payload has " + std::to_string(job.payload.size()) + " bytes; at most " +
                      std::to_string(kJobPayloadSizeMax) +
                      " are allowed: store it as an artifact and queue its name");
  }
  if (job.priority < -kPriorityMax || job.priority > kPriorityMax) {
    return memory::invalid("priority must be -100 to 100");
  }
  HOLDFAST_TRY(memory::check_span("delay", job.delay, milliseconds(0), kJobDelayMax));
  if (!job.key) return Status::ok();
  return memory::check_name("a job's key", *job.key, kJobKeySizeMax, "use its hash");
}

Status push_one(search::KeyTarget& target, const QueueRows& rows, const NewJob& job,
                const memory::Stamp& stamp, int64_t now_us, PushedJob& pushed) {
  pushed = {stamp.id.to_text(), false};
  if (job.key) {
    HOLDFAST_ASSIGN(const auto existing, target.get(rows.name_key(*job.key)));
    if (existing) {
      HOLDFAST_ASSIGN(const Uuid id, QueueRows::id_at_end(*existing));
      pushed = {id.to_text(), true};
      return Status::ok();
    }
    HOLDFAST_TRY(target.put(rows.name_key(*job.key), stamp.id.view()));
  }
  JobRow row;
  row.id = stamp.id;
  row.priority = job.priority;
  row.pushed_us = now_us;
  row.key = job.key;
  if (job.delay.count() > 0) {
    row.state = JobState::delayed;
    row.due_us = memory::later(now_us, job.delay);
  }
  HOLDFAST_TRY(target.put(rows.payload_key(row.id), job.payload));
  return rows.insert(target, row);
}

Status check_depth(search::KeySource& source, const QueueRows& rows, size_t more,
                   std::string_view name) {
  HOLDFAST_ASSIGN(const QueueOptions options, rows.read_options(source));
  uint64_t depth = more;
  for (const JobState state : {JobState::ready, JobState::delayed, JobState::leased}) {
    HOLDFAST_ASSIGN(const uint64_t count, rows.count(source, state));
    depth += count;
  }
  if (depth <= options.depth_max) return Status::ok();
  return Status(StatusCode::kTooLarge, "queue " + std::string(name) + " would hold " +
                                           std::to_string(depth) + " jobs; its limit is " +
                                           std::to_string(options.depth_max) +
                                           ": push again when some are done, or raise depth_max");
}

// Runs `work` on the row of a job; NotFound when there is none.
Status with_job(Access& access, std::string_view name, std::string_view id,
                const memory::JobWork& work) {
  const auto any = [](const JobRow&) { return true; };
  HOLDFAST_ASSIGN(const bool found, memory::change_job(access, name, id, any, work));
  return found ? Status::ok() : memory::no_job(id, name);
}

Result<uint64_t> purge(Access& access, std::string_view name, JobState state, int64_t before_us,
                       size_t limit) {
  HOLDFAST_TRY(memory::check_limit(limit, kListLimitMax));
  uint64_t purged = 0;
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    purged = 0;
    const QueueRows rows(space_id, name);
    HOLDFAST_ASSIGN(const auto ids,
                    memory::peek_job_ids(target, rows.index_range_until(state, before_us), limit));
    for (const Uuid& id : ids) {
      HOLDFAST_ASSIGN(const auto row, rows.read(target, id));
      if (!row || row->state != state) continue;
      HOLDFAST_TRY(rows.erase(target, *row));
      ++purged;
    }
    return Status::ok();
  }));
  return purged;
}

}  // namespace

Queue::Queue(std::shared_ptr<memory::Access> access, std::string name)
    : access_(std::move(access)), name_(std::move(name)) {}

Status Queue::configure(const QueueOptions& options) const {
  HOLDFAST_TRY(memory::check_name("a queue's name", name_, kQueueNameSizeMax));
  constexpr uint32_t kAttemptsMaxMax = 1'000'000;
  if (options.attempts_max == 0 || options.attempts_max > kAttemptsMaxMax) {
    return memory::invalid("attempts_max must be 1 to 1000000");
  }
  HOLDFAST_TRY(
      memory::check_span("backoff_first", options.backoff_first, milliseconds(0), kJobDelayMax));
  HOLDFAST_TRY(
      memory::check_span("backoff_max", options.backoff_max, milliseconds(0), kJobDelayMax));
  if (options.depth_max == 0) return memory::invalid("depth_max must be at least 1");
  return access_->write([&](search::KeyTarget& target, uint32_t space_id) {
    return QueueRows(space_id, name_).write_options(target, options);
  });
}

Result<QueueOptions> Queue::options() const {
  QueueOptions options;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(options, QueueRows(space_id, name_).read_options(source));
    return Status::ok();
  }));
  return options;
}

Result<PushedJob> Queue::push(const NewJob& job) const {
  HOLDFAST_ASSIGN(const auto pushed, push_all(std::span(&job, 1)));
  return pushed.front();
}

Result<std::vector<PushedJob>> Queue::push_all(std::span<const NewJob> jobs) const {
  HOLDFAST_TRY(memory::check_name("a queue's name", name_, kQueueNameSizeMax));
  for (const NewJob& job : jobs) HOLDFAST_TRY(check_job(job));
  std::vector<PushedJob> pushed(jobs.size());
  if (jobs.empty()) return pushed;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const QueueRows rows(space_id, name_);
    HOLDFAST_TRY(check_depth(target, rows, jobs.size(), name_));
    const int64_t now_us = access_->now_us();
    for (size_t i = 0; i < jobs.size(); ++i) {
      HOLDFAST_TRY(push_one(target, rows, jobs[i], access_->next_stamp(), now_us, pushed[i]));
    }
    return Status::ok();
  }));
  return pushed;
}

Result<JobInfo> Queue::get(std::string_view id_text) const {
  HOLDFAST_ASSIGN(const Uuid id, memory::parse_job_id(id_text));
  std::optional<JobInfo> info;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const QueueRows rows(space_id, name_);
    HOLDFAST_ASSIGN(const auto row, rows.read(source, id));
    if (!row) return Status::ok();
    HOLDFAST_ASSIGN(auto payload, source.get(rows.payload_key(id)));
    HOLDFAST_ASSIGN(auto result, source.get(rows.result_key(id)));
    info.emplace();
    info->job = memory::to_job(*row, payload ? std::move(*payload) : std::string());
    info->state = row->state;
    info->due_us = row->due_us;
    info->holder = row->holder;
    if (result) info->result = std::move(*result);
    return Status::ok();
  }));
  if (!info) return memory::no_job(id_text, name_);
  return std::move(*info);
}

Result<std::vector<JobInfo>> Queue::list(const JobListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kListLimitMax));
  std::vector<JobInfo> listed;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const QueueRows rows(space_id, name_);
    KeyRange range = rows.index_range(options.state);
    if (!options.after.empty()) {
      HOLDFAST_ASSIGN(const Uuid id, memory::parse_job_id(options.after));
      HOLDFAST_ASSIGN(const auto row, rows.read(source, id));
      if (!row || row->state != options.state) return memory::no_job(options.after, name_);
      range.begin = rows.index_key(*row) + '\0';
    }
    HOLDFAST_ASSIGN(const auto ids, memory::peek_job_ids(source, range, options.limit));
    for (const Uuid& id : ids) {
      HOLDFAST_ASSIGN(const auto row, rows.read(source, id));
      if (!row) continue;
      JobInfo& info = listed.emplace_back();
      info.job = memory::to_job(*row, {});
      info.state = row->state;
      info.due_us = row->due_us;
      info.holder = row->holder;
    }
    return Status::ok();
  }));
  return listed;
}

Result<QueueStats> Queue::stats() const {
  QueueStats stats;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const QueueRows rows(space_id, name_);
    HOLDFAST_ASSIGN(stats.ready, rows.count(source, JobState::ready));
    HOLDFAST_ASSIGN(stats.delayed, rows.count(source, JobState::delayed));
    HOLDFAST_ASSIGN(stats.leased, rows.count(source, JobState::leased));
    HOLDFAST_ASSIGN(stats.dead, rows.count(source, JobState::dead));
    HOLDFAST_ASSIGN(stats.done, rows.count(source, JobState::done));
    return Status::ok();
  }));
  return stats;
}

Status Queue::requeue(std::string_view id) const {
  return with_job(
      *access_, name_, id,
      [&](search::KeyTarget& target, const QueueRows& rows, const JobRow& row) {
        if (row.state != JobState::dead) {
          return Status(StatusCode::kConditionFalse,
                        "job " + std::string(id) + " is not dead; only dead letters are requeued");
        }
        JobRow ready = row;
        ready.state = JobState::ready;
        ready.due_us = 0;
        ready.attempts = 0;
        return rows.change(target, row, ready);
      });
}

Status Queue::remove(std::string_view id) const {
  return with_job(*access_, name_, id,
                  [&](search::KeyTarget& target, const QueueRows& rows, const JobRow& row) {
                    if (row.state == JobState::leased) {
                      return Status(StatusCode::kConditionFalse,
                                    "job " + std::string(id) + " is leased until " +
                                        time_text(row.due_us) + "; remove it afterwards");
                    }
                    return rows.erase(target, row);
                  });
}

Result<uint64_t> Queue::purge_dead(int64_t before_us, size_t limit) const {
  return purge(*access_, name_, JobState::dead, before_us, limit);
}
Result<uint64_t> Queue::purge_done(int64_t before_us, size_t limit) const {
  return purge(*access_, name_, JobState::done, before_us, limit);
}

}  // namespace holdfast
