// Queue: jobs that many processes push and take, each done exactly once.
//
// A job is taken under a lease. It leaves the queue when it is acked, in the same transaction as
// what it did, if that is the caller's; it comes back when its lease expires, when the process
// that took it ends (a kernel-held lock tells), and, after a pause that grows with each attempt,
// when it is nacked. After `attempts_max` attempts it becomes a dead letter, which stays until it
// is requeued or purged. Nothing is ever removed before its result is in the store.
//
// Order: higher priority first, then the order of pushing. When several processes take at once
// each prefers another of the first jobs, so that they do not fight over one.
//
// Thread-safety and errors: as of Kv (holdfast/kv.h). Names are UTF-8.
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

constexpr size_t kQueueNameSizeMax = 200;        // bytes, at least 1
constexpr size_t kJobPayloadSizeMax = 1u << 20;  // bytes; any bytes, may be empty
constexpr size_t kJobKeySizeMax = 400;           // bytes
constexpr size_t kJobResultSizeMax = 1u << 20;   // bytes
constexpr size_t kJobErrorSizeMax = 4096;        // bytes; the rest is cut off
constexpr size_t kJobTakeMax = 1000;             // jobs at once
constexpr std::chrono::milliseconds kJobLeaseMax{7LL * 24 * 3600 * 1000};
constexpr std::chrono::milliseconds kJobDelayMax{366LL * 24 * 3600 * 1000};

// Of one queue, for everybody; stored in the space.
struct QueueOptions {
  uint32_t attempts_max = 5;                       // 1 to 1,000,000
  std::chrono::milliseconds backoff_first{1'000};  // after the first nack; then doubled
  std::chrono::milliseconds backoff_max{600'000};
  uint64_t depth_max = 1'000'000;  // jobs that are not dead; push refuses more
};

struct NewJob {
  std::string payload = {};
  int priority = 0;                    // -100 to 100, higher is sooner
  std::chrono::milliseconds delay{0};  // not before
  // Idempotency key: while a job with this key is in the queue, pushing it again returns that one.
  std::optional<std::string> key = {};
};

struct PushedJob {
  std::string id = {};   // UUIDv7
  bool existed = false;  // its `key` was there already; nothing was written
};

struct TakeOptions {
  size_t limit = 1;                         // 1 to kJobTakeMax
  std::chrono::milliseconds lease{60'000};  // 1 ms to kJobLeaseMax; extend() prolongs it
  std::chrono::milliseconds wait{0};        // for a job to come; in a transaction never
  bool bound_to_handle = true;              // comes back when this process ends
  std::string holder = {};                  // for people: which worker
};

// A job that was taken. Plain data: it may be passed to another process.
struct Job {
  std::string id = {};
  std::string payload = {};
  std::optional<std::string> key = {};
  int priority = 0;
  uint32_t attempt = 1;         // 1: the first
  std::string last_error = {};  // of the attempt before
  std::string lease_id = {};    // names this attempt
  int64_t lease_expires_us = 0;
  int64_t pushed_us = 0;
};

enum class JobState : uint8_t { ready, delayed, leased, dead, done };

struct JobInfo {
  Job job = {};
  JobState state = JobState::ready;
  int64_t due_us = 0;  // delayed: when it becomes ready; dead, done: when it became so
  std::string holder = {};
  std::string result = {};  // done, with keep_result
};

struct QueueStats {
  uint64_t ready = 0;  // includes those whose delay or lease has just passed, once somebody takes
  uint64_t delayed = 0;
  uint64_t leased = 0;
  uint64_t dead = 0;
  uint64_t done = 0;  // results that are kept
};

struct JobListOptions {
  JobState state = JobState::ready;
  std::string after = {};  // JobInfo::job.id of the last of the page before
  size_t limit = 100;      // 1 to 10,000
};

class Queue {
 public:
  Queue(std::shared_ptr<memory::Access> access, std::string name);  // see Space::queue

  // Applies from now on. Errors: InvalidArgument.
  Status configure(const QueueOptions& options) const;
  Result<QueueOptions> options() const;

  // Errors: TooLarge (payload, key; the queue is full), InvalidArgument (priority, delay, key).
  Result<PushedJob> push(const NewJob& job) const;
  // All or none in one commit.
  Result<std::vector<PushedJob>> push_all(std::span<const NewJob> jobs) const;

  // Up to `limit` jobs; none when there is none (after `wait`). Errors: InvalidArgument.
  Result<std::vector<Job>> take(const TakeOptions& options = {}) const;
  // Prolongs the lease to `lease` from now. Errors: Fenced (the job came back meanwhile),
  // InvalidArgument.
  Result<Job> extend(const Job& job, std::chrono::milliseconds lease) const;
  // The job is done: it leaves the queue. With a result, that is kept under the job's id until
  // purge_done. Errors: Fenced: the job came back and may be another's by now; nothing was changed.
  Status ack(const Job& job, std::optional<std::string_view> result = std::nullopt) const;
  // The job failed: it comes back after `delay` (default: the queue's backoff), or is dead after
  // the last attempt. Errors: Fenced.
  Status nack(const Job& job, std::string_view error,
              std::optional<std::chrono::milliseconds> delay = std::nullopt) const;

  // A job in whatever state. Errors: NotFound.
  Result<JobInfo> get(std::string_view id) const;
  Result<std::vector<JobInfo>> list(const JobListOptions& options) const;
  Result<QueueStats> stats() const;

  // A dead letter starts anew, attempts counted from 0. Errors: NotFound, ConditionFalse (not
  // dead).
  Status requeue(std::string_view id) const;
  // Removes a job that is not leased. Errors: NotFound, ConditionFalse (leased).
  Status remove(std::string_view id) const;
  // Remove those that became dead, or done, before `before_us`, at most `limit`; how many.
  Result<uint64_t> purge_dead(int64_t before_us, size_t limit = 10'000) const;
  Result<uint64_t> purge_done(int64_t before_us, size_t limit = 10'000) const;

 private:
  std::shared_ptr<memory::Access> access_;
  std::string name_;
};

struct QueueName {
  std::string name = {};
  QueueStats stats = {};
};

}  // namespace holdfast
