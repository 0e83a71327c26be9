// The keys and rows of a queue, and the one way in which a job changes its state.
//
// | key (n: name as an ordered string)           | value                                      |
// |-----------------------------------------------|--------------------------------------------|
// | 08 02 space n id:16                           | job: its row                               |
// | 08 03 space n state:u8 sort:u64 id:16         | index; leased: the handle, else empty      |
// | 08 04 space n id:16                           | job: payload                               |
// | 08 05 space n key                             | id:16 of the job in the queue with the key |
// | 08 06 space n state:u8                        | number: jobs in that state                 |
// | 08 07 space n                                 | the queue's options                        |
// | 08 08 space n id:16                           | done: result                               |
//
// `sort` is 127 - priority for ready jobs, a time in microseconds for all others.
//
// Who: queue*.cc. Thread-safety: that of the given target.
// Invariants:
//   1. A job is in exactly one state and has exactly one index entry.
//   2. Every change of state reads the job's row, so two transactions that change it conflict; the
//      index may be looked at without being remembered, for it is only a hint where to look.
//   3. Counters are changed by add() and never conflict.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "holdfast/queue.h"
#include "holdfast/store.h"
#include "memory/keys.h"
#include "search/keyspace.h"

namespace holdfast::memory {

struct JobRow {
  Uuid id;
  JobState state = JobState::ready;
  int priority = 0;
  uint32_t attempts = 0;  // begun so far
  int64_t pushed_us = 0;
  int64_t due_us = 0;  // by state: ready 0, delayed due, leased expires, dead and done when
  std::optional<std::string> key = {};
  std::string error = {};
  std::string lease_id = {};  // only leased
  std::string holder = {};
  std::optional<HandleId> handle = {};
};

class QueueRows {
 public:
  QueueRows(uint32_t space_id, std::string_view name);

  std::string job_key(const Uuid& id) const { return key(KeyKind::kJob, id.view()); }
  std::string payload_key(const Uuid& id) const { return key(KeyKind::kJobPayload, id.view()); }
  std::string result_key(const Uuid& id) const { return key(KeyKind::kJobResult, id.view()); }
  std::string name_key(std::string_view job_key) const { return key(KeyKind::kJobName, job_key); }
  std::string options_key() const { return key(KeyKind::kQueueOptions, {}); }
  std::string counter_key(JobState state) const;
  // Index entries of one state, in their order.
  KeyRange index_range(JobState state) const;
  // Those of them with a time before `until_us`. REQUIRES: not ready.
  KeyRange index_range_until(JobState state, int64_t until_us) const;
  std::string index_key(const JobRow& row) const;
  // The id that an index key ends with, or that is the value of a name key. Errors: Corruption.
  static Result<Uuid> id_at_end(std::string_view bytes);

  // nullopt: no such job. Errors: Corruption.
  Result<std::optional<JobRow>> read(search::KeySource& source, const Uuid& id) const;
  // A new job in its first state.
  Status insert(search::KeyTarget& target, const JobRow& row) const;
  // `row` was read in this transaction as `before`.
  Status change(search::KeyTarget& target, const JobRow& before, const JobRow& row) const;
  // Removes it with everything.
  Status erase(search::KeyTarget& target, const JobRow& row) const;

  Result<QueueOptions> read_options(search::KeySource& source) const;
  Status write_options(search::KeyTarget& target, const QueueOptions& options) const;
  Result<uint64_t> count(search::KeySource& source, JobState state) const;

 private:
  std::string key(KeyKind kind, std::string_view rest) const;
  uint32_t space_id_;
  std::string name_;  // ordered
};

// The handle in a leased job's index entry; nullopt: bound to none.
std::optional<HandleId> decode_handle(std::string_view bytes);

}  // namespace holdfast::memory
