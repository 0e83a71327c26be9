#include "holdfast/queue.h"

#include <algorithm>
#include <map>

#include "base/time_text.h"
#include "memory/access.h"
#include "memory/queue_rows.h"
#include "memory/text_check.h"

namespace holdfast {
namespace {

using memory::Access;
using memory::JobRow;
using memory::QueueRows;
using std::chrono::milliseconds;

constexpr int kPriorityMax = 100;
constexpr size_t kReviveMax = 64;        // jobs that one take brings back
constexpr size_t kLeasedLookedAt = 256;  // leases whose owners one take looks for
constexpr uint64_t kCrowdMax = 64;
constexpr size_t kListLimitMax = 10'000;

int64_t after(int64_t now_us, milliseconds span) {
  return now_us + static_cast<int64_t>(span.count()) * 1000;
}

Status invalid(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

Status check_span(std::string_view name, milliseconds span, milliseconds least, milliseconds most) {
  if (span >= least && span <= most) return Status::ok();
  return invalid(std::string(name) + " must be " + std::to_string(least.count()) + " to " +
                 std::to_string(most.count()) + " milliseconds");
}

Status check_job(const NewJob& job) {
  if (job.payload.size() > kJobPayloadSizeMax) {
    return Status(StatusCode::kTooLarge,
                  "the payload has " + std::to_string(job.payload.size()) + " bytes; at most " +
                      std::to_string(kJobPayloadSizeMax) +
                      " are allowed: store it as an artifact and queue its name");
  }
  if (job.priority < -kPriorityMax || job.priority > kPriorityMax) {
    return invalid("priority must be -100 to 100");
  }
  HOLDFAST_TRY(check_span("delay", job.delay, milliseconds(0), kJobDelayMax));
  if (!job.key) return Status::ok();
  return memory::check_name("a job's key", *job.key, kJobKeySizeMax, "use its hash");
}

Status no_job(std::string_view id, std::string_view queue) {
  return Status(StatusCode::kNotFound, "queue " + std::string(queue) + " has no job " +
                                           std::string(id) + "; it may be done or purged");
}

Status fenced(const Job& job) {
  return Status(StatusCode::kFenced, "job " + job.id + " is no longer leased by attempt " +
                                         std::to_string(job.attempt) +
                                         ": its lease ended and it came back; drop what you did "
                                         "and take a job again");
}

Result<Uuid> parse_id(std::string_view id) {
  if (const auto uuid = Uuid::parse(id)) return *uuid;
  return invalid("\"" + std::string(id) + "\" is not a job's id; ids have 36 characters");
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

// Whether handles live, each asked once.
class Liveness {
 public:
  explicit Liveness(Access& access) : access_(access) {}
  bool alive(const HandleId& id) {
    const auto [entry, is_new] = known_.try_emplace({id.incarnation, id.owner}, false);
    if (is_new) entry->second = access_.handle_alive(id);
    return entry->second;
  }

 private:
  Access& access_;
  std::map<std::pair<uint64_t, uint32_t>, bool> known_;
};

// Looks at `range` without being remembered; ids of the first entries that `wanted` accepts.
Result<std::vector<Uuid>> look(search::KeySource& source, const KeyRange& range, size_t limit,
                               const std::function<bool(std::string_view)>& wanted = {}) {
  std::vector<Uuid> ids;
  size_t seen = 0;
  Status damage;
  HOLDFAST_TRY(source.peek_scan(range, [&](std::string_view key, std::string_view value) {
    if (!wanted || wanted(value)) {
      const auto id = QueueRows::id_at_end(key);
      if (!id) {
        damage = id.status();
        return false;
      }
      ids.push_back(*id);
    }
    return ++seen < limit;
  }));
  HOLDFAST_TRY(damage);
  return ids;
}

// Brings back what is due: delayed jobs, leases that expired or whose process has ended.
Status revive(Access& access, search::KeyTarget& target, const QueueRows& rows,
              const QueueOptions& options, int64_t now_us) {
  HOLDFAST_ASSIGN(const auto due,
                  look(target, rows.index_range_until(JobState::delayed, now_us + 1), kReviveMax));
  for (const Uuid& id : due) {
    HOLDFAST_ASSIGN(const auto row, rows.read(target, id));
    if (!row || row->state != JobState::delayed || row->due_us > now_us) continue;
    JobRow ready = *row;
    ready.state = JobState::ready;
    ready.due_us = 0;
    HOLDFAST_TRY(rows.change(target, *row, ready));
  }
  Liveness liveness(access);
  HOLDFAST_ASSIGN(auto ended,
                  look(target, rows.index_range_until(JobState::leased, now_us + 1), kReviveMax));
  const auto is_dead = [&](std::string_view value) {
    const auto handle = memory::decode_handle(value);
    return handle && !liveness.alive(*handle);
  };
  HOLDFAST_ASSIGN(const auto orphaned,
                  look(target, rows.index_range(JobState::leased), kLeasedLookedAt, is_dead));
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

Job to_job(const JobRow& row, std::string payload) {
  Job job;
  job.id = row.id.to_text();
  job.payload = std::move(payload);
  job.key = row.key;
  job.priority = row.priority;
  job.attempt = row.attempts;
  job.last_error = row.error;
  job.lease_id = row.lease_id;
  job.lease_expires_us = row.state == JobState::leased ? row.due_us : 0;
  job.pushed_us = row.pushed_us;
  return job;
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
  HOLDFAST_ASSIGN(const auto ready,
                  look(target, rows.index_range(JobState::ready), place + 2 * options.limit));
  if (place + options.limit > ready.size()) place = 0;
  for (size_t i = 0; i < ready.size() && jobs.size() < options.limit; ++i) {
    const Uuid& id = ready[(place + i) % ready.size()];
    HOLDFAST_ASSIGN(const auto row, rows.read(target, id));
    if (!row || row->state != JobState::ready) continue;
    HOLDFAST_ASSIGN(auto payload, target.get(rows.payload_key(id)));
    JobRow leased = *row;
    leased.state = JobState::leased;
    leased.attempts += 1;
    leased.due_us = after(now_us, options.lease);
    leased.lease_id = access.next_stamp().id.to_text();
    leased.holder = options.holder;
    if (options.bound_to_handle) leased.handle = access.handle_id();
    HOLDFAST_TRY(rows.change(target, *row, leased));
    jobs.push_back(to_job(leased, payload ? std::move(*payload) : std::string()));
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
using LeasedWork = std::function<Status(search::KeyTarget&, const QueueRows&, const JobRow&)>;
Status with_lease(Access& access, std::string_view name, const Job& job, const LeasedWork& work) {
  HOLDFAST_ASSIGN(const Uuid id, parse_id(job.id));
  bool found = false;
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const QueueRows rows(space_id, name);
    HOLDFAST_ASSIGN(const auto row, rows.read(target, id));
    found = row && row->state == JobState::leased && row->lease_id == job.lease_id;
    return found ? work(target, rows, *row) : Status::ok();
  }));
  return found ? Status::ok() : fenced(job);
}

// Runs `work` on the row of a job; NotFound when there is none.
Status with_job(Access& access, std::string_view name, std::string_view id_text,
                const LeasedWork& work) {
  HOLDFAST_ASSIGN(const Uuid id, parse_id(id_text));
  bool found = false;
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const QueueRows rows(space_id, name);
    HOLDFAST_ASSIGN(const auto row, rows.read(target, id));
    found = row.has_value();
    return found ? work(target, rows, *row) : Status::ok();
  }));
  return found ? Status::ok() : no_job(id_text, name);
}

Result<uint64_t> purge(Access& access, std::string_view name, JobState state, int64_t before_us,
                       size_t limit) {
  HOLDFAST_TRY(memory::check_limit(limit, kListLimitMax));
  uint64_t purged = 0;
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    purged = 0;
    const QueueRows rows(space_id, name);
    HOLDFAST_ASSIGN(const auto ids, look(target, rows.index_range_until(state, before_us), limit));
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
    row.due_us = after(now_us, job.delay);
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

}  // namespace

Queue::Queue(std::shared_ptr<memory::Access> access, std::string name)
    : access_(std::move(access)), name_(std::move(name)) {}

Status Queue::configure(const QueueOptions& options) const {
  HOLDFAST_TRY(memory::check_name("a queue's name", name_, kQueueNameSizeMax));
  constexpr uint32_t kAttemptsMaxMax = 1'000'000;
  if (options.attempts_max == 0 || options.attempts_max > kAttemptsMaxMax) {
    return invalid("attempts_max must be 1 to 1000000");
  }
  HOLDFAST_TRY(check_span("backoff_first", options.backoff_first, milliseconds(0), kJobDelayMax));
  HOLDFAST_TRY(check_span("backoff_max", options.backoff_max, milliseconds(0), kJobDelayMax));
  if (options.depth_max == 0) return invalid("depth_max must be at least 1");
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

Result<std::vector<Job>> Queue::take(const TakeOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kJobTakeMax));
  HOLDFAST_TRY(check_span("lease", options.lease, milliseconds(1), kJobLeaseMax));
  HOLDFAST_TRY(memory::check_text("holder", options.holder, kJobKeySizeMax));
  const int64_t give_up_us = after(access_->now_us(), options.wait);
  while (true) {
    HOLDFAST_ASSIGN(auto jobs, take_now(*access_, name_, options));
    if (!jobs.empty() || access_->now_us() >= give_up_us || !access_->pause()) return jobs;
  }
}

Result<Job> Queue::extend(const Job& job, milliseconds lease) const {
  HOLDFAST_TRY(check_span("lease", lease, milliseconds(1), kJobLeaseMax));
  Job extended = job;
  HOLDFAST_TRY(with_lease(*access_, name_, job,
                          [&](search::KeyTarget& target, const QueueRows& rows, const JobRow& row) {
                            JobRow longer = row;
                            longer.due_us = after(access_->now_us(), lease);
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
  if (delay) HOLDFAST_TRY(check_span("delay", *delay, milliseconds(0), kJobDelayMax));
  const std::string_view kept = error.substr(0, kJobErrorSizeMax);
  return with_lease(
      *access_, name_, job,
      [&](search::KeyTarget& target, const QueueRows& rows, const JobRow& row) -> Status {
        HOLDFAST_ASSIGN(const QueueOptions options, rows.read_options(target));
        const int64_t now_us = access_->now_us();
        const int64_t due_us = after(now_us, delay.value_or(backoff(options, row.attempts)));
        return rows.change(target, row, after_failure(row, options, kept, due_us, now_us));
      });
}

Result<JobInfo> Queue::get(std::string_view id_text) const {
  HOLDFAST_ASSIGN(const Uuid id, parse_id(id_text));
  std::optional<JobInfo> info;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const QueueRows rows(space_id, name_);
    HOLDFAST_ASSIGN(const auto row, rows.read(source, id));
    if (!row) return Status::ok();
    HOLDFAST_ASSIGN(auto payload, source.get(rows.payload_key(id)));
    HOLDFAST_ASSIGN(auto result, source.get(rows.result_key(id)));
    info.emplace();
    info->job = to_job(*row, payload ? std::move(*payload) : std::string());
    info->state = row->state;
    info->due_us = row->due_us;
    info->holder = row->holder;
    if (result) info->result = std::move(*result);
    return Status::ok();
  }));
  if (!info) return no_job(id_text, name_);
  return std::move(*info);
}

Result<std::vector<JobInfo>> Queue::list(const JobListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kListLimitMax));
  std::vector<JobInfo> listed;
  HOLDFAST_TRY(access_->read([&](search::KeySource& source, uint32_t space_id) -> Status {
    const QueueRows rows(space_id, name_);
    KeyRange range = rows.index_range(options.state);
    if (!options.after.empty()) {
      HOLDFAST_ASSIGN(const Uuid id, parse_id(options.after));
      HOLDFAST_ASSIGN(const auto row, rows.read(source, id));
      if (!row || row->state != options.state) return no_job(options.after, name_);
      range.begin = rows.index_key(*row) + '\0';
    }
    HOLDFAST_ASSIGN(const auto ids, look(source, range, options.limit));
    for (const Uuid& id : ids) {
      HOLDFAST_ASSIGN(const auto row, rows.read(source, id));
      if (!row) continue;
      JobInfo& info = listed.emplace_back();
      info.job = to_job(*row, {});
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
