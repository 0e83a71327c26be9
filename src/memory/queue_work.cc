#include "memory/queue_work.h"

#include "memory/text_check.h"

namespace holdfast::memory {

Result<Uuid> parse_job_id(std::string_view id) {
  if (const auto uuid = Uuid::parse(id)) return *uuid;
  return invalid("\"" + std::string(id) + "\" is not a job's id; ids have 36 characters");
}

Status no_job(std::string_view id, std::string_view queue) {
  return Status(StatusCode::kNotFound, "queue " + std::string(queue) + " has no job " +
                                           std::string(id) + "; it may be done or purged");
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

Result<bool> change_job(Access& access, std::string_view queue, std::string_view id_text,
                        const std::function<bool(const JobRow&)>& wanted, const JobWork& work) {
  HOLDFAST_ASSIGN(const Uuid id, parse_job_id(id_text));
  bool found = false;
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const QueueRows rows(space_id, queue);
    HOLDFAST_ASSIGN(const auto row, rows.read(target, id));
    found = row && wanted(*row);
    return found ? work(target, rows, *row) : Status::ok();
  }));
  return found;
}

Result<std::vector<Uuid>> peek_job_ids(search::KeySource& source, const KeyRange& range,
                                       size_t limit,
                                       const std::function<bool(std::string_view)>& wanted) {
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

}  // namespace holdfast::memory
