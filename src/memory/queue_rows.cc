#include "memory/queue_rows.h"

#include <algorithm>

#include "base/coding.h"
#include "base/ordered_key.h"
#include "memory/fields.h"

namespace holdfast::memory {
namespace {

enum JobField : uint32_t {
  kState = 1,
  kPriority = 2,
  kAttempts = 3,
  kPushed = 4,
  kDue = 5,
  kKey = 6,
  kError = 7,
  kLeaseId = 8,
  kHolder = 9,
  kHandle = 10,
};
enum OptionsField : uint32_t {
  kAttemptsMax = 1,
  kBackoffFirst = 2,
  kBackoffMax = 3,
  kDepthMax = 4,
};

std::string encode_handle(const HandleId& handle) {
  std::string bytes(12, '\0');
  store_le(bytes.data(), handle.incarnation);
  store_le(bytes.data() + 8, handle.owner);
  return bytes;
}

std::string encode(const JobRow& row) {
  FieldWriter fields;
  fields.number(kState, static_cast<uint64_t>(row.state))
      .integer(kPriority, row.priority)
      .number(kAttempts, row.attempts)
      .integer(kPushed, row.pushed_us)
      .integer(kDue, row.due_us)
      .text_if(kKey, row.key);
  if (!row.error.empty()) fields.text(kError, row.error);
  if (!row.lease_id.empty()) fields.text(kLeaseId, row.lease_id);
  if (!row.holder.empty()) fields.text(kHolder, row.holder);
  if (row.handle) fields.text(kHandle, encode_handle(*row.handle));
  return fields.bytes();
}

uint64_t sort_of(const JobRow& row) {
  return static_cast<uint64_t>(row.state == JobState::ready ? 127 - row.priority : row.due_us);
}

}  // namespace

std::optional<HandleId> decode_handle(std::string_view bytes) {
  if (bytes.size() != 12) return std::nullopt;
  return HandleId{load_le<uint64_t>(bytes.data()), load_le<uint32_t>(bytes.data() + 8)};
}

QueueRows::QueueRows(uint32_t space_id, std::string_view name) : space_id_(space_id) {
  append_ordered_string(name_, name);
}

std::string QueueRows::key(KeyKind kind, std::string_view rest) const {
  return space_key(kind, space_id_, name_).append(rest);
}

std::string QueueRows::counter_key(JobState state) const {
  return key(KeyKind::kQueueCounter, std::string(1, static_cast<char>(state)));
}

KeyRange QueueRows::index_range(JobState state) const {
  return search::prefix_range(key(KeyKind::kJobIndex, std::string(1, static_cast<char>(state))));
}

KeyRange QueueRows::index_range_until(JobState state, int64_t until_us) const {
  KeyRange range = index_range(state);
  range.end = range.begin;
  append_ordered_u64(range.end, static_cast<uint64_t>(std::max<int64_t>(until_us, 0)));
  return range;
}

std::string QueueRows::index_key(const JobRow& row) const {
  std::string rest(1, static_cast<char>(row.state));
  append_ordered_u64(rest, sort_of(row));
  return key(KeyKind::kJobIndex, rest.append(row.id.view()));
}

Result<Uuid> QueueRows::id_at_end(std::string_view bytes) {
  Uuid id;
  if (bytes.size() < id.bytes.size()) {
    return Status(StatusCode::kCorruption,
                  "an entry of a queue does not name its job; run holdfast check");
  }
  bytes.remove_prefix(bytes.size() - id.bytes.size());
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(id.bytes.data()));
  return id;
}

Result<std::optional<JobRow>> QueueRows::read(search::KeySource& source, const Uuid& id) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(job_key(id)));
  if (!bytes) return std::optional<JobRow>();
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(*bytes, "job " + id.to_text()));
  JobRow row;
  row.id = id;
  row.state = static_cast<JobState>(fields.number_or(kState, 0));
  row.priority = static_cast<int>(fields.integer_or(kPriority, 0));
  row.attempts = static_cast<uint32_t>(fields.number_or(kAttempts, 0));
  row.pushed_us = fields.integer_or(kPushed, 0);
  row.due_us = fields.integer_or(kDue, 0);
  row.key = fields.text(kKey);
  row.error = fields.text_or_empty(kError);
  row.lease_id = fields.text_or_empty(kLeaseId);
  row.holder = fields.text_or_empty(kHolder);
  if (const auto handle = fields.text(kHandle)) row.handle = decode_handle(*handle);
  return std::optional<JobRow>(std::move(row));
}

Status QueueRows::insert(search::KeyTarget& target, const JobRow& row) const {
  HOLDFAST_TRY(target.put(job_key(row.id), encode(row)));
  HOLDFAST_TRY(target.put(index_key(row), row.handle ? encode_handle(*row.handle) : ""));
  return target.add(counter_key(row.state), 1);
}

Status QueueRows::change(search::KeyTarget& target, const JobRow& before, const JobRow& row) const {
  HOLDFAST_TRY(target.del(index_key(before)));
  if (before.state != row.state) {
    HOLDFAST_TRY(target.add(counter_key(before.state), -1));
    HOLDFAST_TRY(target.add(counter_key(row.state), 1));
  }
  HOLDFAST_TRY(target.put(job_key(row.id), encode(row)));
  return target.put(index_key(row), row.handle ? encode_handle(*row.handle) : "");
}

Status QueueRows::erase(search::KeyTarget& target, const JobRow& row) const {
  HOLDFAST_TRY(target.del(job_key(row.id)));
  HOLDFAST_TRY(target.del(index_key(row)));
  HOLDFAST_TRY(target.del(payload_key(row.id)));
  if (row.state == JobState::done) HOLDFAST_TRY(target.del(result_key(row.id)));
  // The key of a job that is done was given back with the ack.
  if (row.key && row.state != JobState::done) HOLDFAST_TRY(target.del(name_key(*row.key)));
  return target.add(counter_key(row.state), -1);
}

Result<QueueOptions> QueueRows::read_options(search::KeySource& source) const {
  QueueOptions options;
  HOLDFAST_ASSIGN(const auto bytes, source.get(options_key()));
  if (!bytes) return options;
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(*bytes, "a queue's options"));
  using std::chrono::milliseconds;
  options.attempts_max =
      static_cast<uint32_t>(fields.number_or(kAttemptsMax, options.attempts_max));
  options.backoff_first =
      milliseconds(fields.integer_or(kBackoffFirst, options.backoff_first.count()));
  options.backoff_max = milliseconds(fields.integer_or(kBackoffMax, options.backoff_max.count()));
  options.depth_max = fields.number_or(kDepthMax, options.depth_max);
  return options;
}

Status QueueRows::write_options(search::KeyTarget& target, const QueueOptions& options) const {
  FieldWriter fields;
  fields.number(kAttemptsMax, options.attempts_max)
      .integer(kBackoffFirst, options.backoff_first.count())
      .integer(kBackoffMax, options.backoff_max.count())
      .number(kDepthMax, options.depth_max);
  return target.put(options_key(), fields.bytes());
}

Result<uint64_t> QueueRows::count(search::KeySource& source, JobState state) const {
  HOLDFAST_ASSIGN(const auto value, source.peek(counter_key(state)));
  const auto number = value ? decode_number(*value) : std::nullopt;
  return number && *number > 0 ? static_cast<uint64_t>(*number) : 0;
}

}  // namespace holdfast::memory
