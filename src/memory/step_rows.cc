// The steps of a run: their rows, index, counters and dependencies.
#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "base/ordered_key.h"
#include "memory/fields.h"
#include "memory/run_rows.h"

namespace holdfast::memory {
namespace {

enum StepField : uint32_t {
  kState = 1,
  kOpen = 2,
  kAfter = 3,  // repeated
  kGates = 4,  // repeated
  kOnInterrupt = 5,
  kAttempts = 6,
  kFailures = 7,
  kInterruptions = 8,
  kCreated = 9,
  kStarted = 10,
  kEnded = 11,
  kDue = 12,
  kHolder = 13,
  kError = 14,
  kAttemptsMax = 15,
  kInterruptionsMax = 16,
  kBackoffFirst = 17,
  kBackoffMax = 18,
  kTimeout = 19,
  kTimeoutAt = 20,
  kLeaseId = 21,
  kHandle = 22,
  kIsAwaited = 23,  // not there in rows of older stores, of which it is not known
};

std::string encode_handle(const HandleId& handle) {
  std::string bytes(12, '\0');
  store_le(bytes.data(), handle.incarnation);
  store_le(bytes.data() + 8, handle.owner);
  return bytes;
}

std::string index_value(const StepRow& row) {
  return row.handle ? encode_handle(*row.handle) : std::string();
}

std::string encode_step(const StepRow& row) {
  FieldWriter fields;
  const auto some = [&](uint32_t field, int64_t value) {
    if (value != 0) fields.integer(field, value);
  };
  fields.number(kState, static_cast<uint64_t>(row.seen.state))
      .number(kOpen, row.open)
      .texts(kAfter, row.seen.after)
      .texts(kGates, row.seen.gates)
      .number(kOnInterrupt, static_cast<uint64_t>(row.seen.on_interrupt))
      .number(kAttempts, row.seen.attempts)
      .number(kFailures, row.seen.failures)
      .number(kInterruptions, row.seen.interruptions)
      .number(kAttemptsMax, row.attempts_max)
      .number(kInterruptionsMax, row.interruptions_max)
      .number(kIsAwaited, row.is_awaited ? 1 : 0);
  some(kCreated, row.seen.created_us);
  some(kStarted, row.seen.started_us);
  some(kEnded, row.seen.ended_us);
  some(kDue, row.seen.due_us);
  some(kBackoffFirst, row.backoff_first_us);
  some(kBackoffMax, row.backoff_max_us);
  some(kTimeout, row.timeout_us);
  some(kTimeoutAt, row.timeout_at_us);
  if (!row.seen.holder.empty()) fields.text(kHolder, row.seen.holder);
  if (!row.seen.error.empty()) fields.text(kError, row.seen.error);
  if (!row.lease_id.empty()) fields.text(kLeaseId, row.lease_id);
  if (row.handle) fields.text(kHandle, encode_handle(*row.handle));
  return fields.bytes();
}

bool sorts_by_due(StepState state) {
  return state == StepState::delayed || is_leased(state);
}

}  // namespace

std::optional<HandleId> decode_step_handle(std::string_view bytes) {
  if (bytes.size() != 12) return std::nullopt;
  return HandleId{load_le<uint64_t>(bytes.data()), load_le<uint32_t>(bytes.data() + 8)};
}

std::string RunRows::index_key(const StepRow& row) const {
  std::string rest(1, static_cast<char>(row.seen.state));
  append_ordered_u64(
      rest,
      static_cast<uint64_t>(sorts_by_due(row.seen.state) ? row.seen.due_us : row.seen.created_us));
  return key(KeyKind::kStepIndex, rest.append(row.seen.key));
}

std::string RunRows::counter_key(StepState state) const {
  return key(KeyKind::kStepCounter, std::string(1, static_cast<char>(state)));
}

Result<std::optional<StepRow>> RunRows::read_step(search::KeySource& source,
                                                  std::string_view step_key) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(key(KeyKind::kStep, step_key)));
  if (!bytes) return std::optional<StepRow>();
  HOLDFAST_ASSIGN(StepRow row, decode_step(step_key, *bytes));
  return std::optional<StepRow>(std::move(row));
}

Result<StepRow> RunRows::decode_step(std::string_view step_key, std::string_view bytes) const {
  HOLDFAST_ASSIGN(
      const FieldReader fields,
      FieldReader::parse(bytes, "step " + std::string(step_key) + " of run " + run_.to_text()));
  StepRow row;
  row.seen.key = std::string(step_key);
  row.seen.state = static_cast<StepState>(fields.number_or(kState, 0));
  row.open = fields.number_or(kOpen, 0);
  row.seen.after = fields.texts(kAfter);
  row.seen.gates = fields.texts(kGates);
  row.seen.on_interrupt = static_cast<OnInterrupt>(fields.number_or(kOnInterrupt, 0));
  row.seen.attempts = static_cast<uint32_t>(fields.number_or(kAttempts, 0));
  row.seen.failures = static_cast<uint32_t>(fields.number_or(kFailures, 0));
  row.seen.interruptions = static_cast<uint32_t>(fields.number_or(kInterruptions, 0));
  row.seen.created_us = fields.integer_or(kCreated, 0);
  row.seen.started_us = fields.integer_or(kStarted, 0);
  row.seen.ended_us = fields.integer_or(kEnded, 0);
  row.seen.due_us = fields.integer_or(kDue, 0);
  row.seen.holder = fields.text_or_empty(kHolder);
  row.seen.error = fields.text_or_empty(kError);
  row.attempts_max = static_cast<uint32_t>(fields.number_or(kAttemptsMax, 1));
  row.interruptions_max = static_cast<uint32_t>(fields.number_or(kInterruptionsMax, 0));
  row.backoff_first_us = fields.integer_or(kBackoffFirst, 0);
  row.backoff_max_us = fields.integer_or(kBackoffMax, 0);
  row.timeout_us = fields.integer_or(kTimeout, 0);
  row.timeout_at_us = fields.integer_or(kTimeoutAt, 0);
  row.is_awaited = fields.number_or(kIsAwaited, 1) != 0;
  row.lease_id = fields.text_or_empty(kLeaseId);
  if (const auto handle = fields.text(kHandle)) row.handle = decode_step_handle(*handle);
  return row;
}

Status RunRows::insert_step(search::KeyTarget& target, const StepRow& row) const {
  HOLDFAST_TRY(target.put(key(KeyKind::kStep, row.seen.key), encode_step(row)));
  HOLDFAST_TRY(target.put(index_key(row), index_value(row)));
  HOLDFAST_TRY(target.add(counter_key(row.seen.state), 1));
  const auto link = [&](AwaitedKind kind, std::string_view awaited) {
    std::string rest(1, static_cast<char>(kind));
    append_ordered_string(rest, awaited);
    return target.put(key(KeyKind::kStepAwaits, rest.append(row.seen.key)), "");
  };
  for (const std::string& name : row.seen.after) {
    HOLDFAST_TRY(link(AwaitedKind::kStep, name));
    HOLDFAST_TRY(note_awaited(target, name));
  }
  for (const std::string& name : row.seen.gates) HOLDFAST_TRY(link(AwaitedKind::kGate, name));
  return note(target, "step defined", row.seen.key, 0, {});
}

Status RunRows::note_awaited(search::KeyTarget& target, std::string_view step_key) const {
  HOLDFAST_ASSIGN(auto awaited, read_step(target, step_key));
  if (!awaited || awaited->is_awaited) return Status::ok();
  awaited->is_awaited = true;
  return target.put(key(KeyKind::kStep, step_key), encode_step(*awaited));
}

Status RunRows::change_step(search::KeyTarget& target, const StepRow& before, const StepRow& row,
                            const RunNote& why) const {
  const bool moves = before.seen.state != row.seen.state;
  CHECK(!moves || may_move(before.seen.state, row.seen.state));
  CHECK((row.seen.state == StepState::waiting) <= (row.open != 0));
  if (const std::string old_key = index_key(before); old_key != index_key(row)) {
    HOLDFAST_TRY(target.del(old_key));
  }
  HOLDFAST_TRY(target.put(index_key(row), index_value(row)));
  HOLDFAST_TRY(target.put(key(KeyKind::kStep, row.seen.key), encode_step(row)));
  if (!moves) return Status::ok();
  HOLDFAST_TRY(target.add(counter_key(before.seen.state), -1));
  HOLDFAST_TRY(target.add(counter_key(row.seen.state), 1));
  return note(target, "step " + std::string(step_state_name(row.seen.state)), row.seen.key,
              row.seen.attempts, why);
}

std::string RunRows::step_data_key(std::string_view step_key, DataKind what) const {
  return key(KeyKind::kStepData, std::string(1, static_cast<char>(what))).append(step_key);
}
KeyRange RunRows::step_range() const {
  return search::prefix_range(key(KeyKind::kStep, {}));
}
std::string_view RunRows::key_of_step(std::string_view step_key) const {
  return step_key.substr(key(KeyKind::kStep, {}).size());
}

KeyRange RunRows::index_range(StepState state) const {
  return search::prefix_range(key(KeyKind::kStepIndex, std::string(1, static_cast<char>(state))));
}
KeyRange RunRows::index_range_until(StepState state, int64_t until_us) const {
  KeyRange range = index_range(state);
  range.end = range.begin;
  append_ordered_u64(range.end, static_cast<uint64_t>(std::max<int64_t>(until_us, 0)));
  return range;
}
std::string_view RunRows::key_of_index(std::string_view index_key) const {
  return index_key.substr(key(KeyKind::kStepIndex, {}).size() + 1 + sizeof(uint64_t));
}

Result<std::vector<std::string>> RunRows::dependents(search::KeySource& source, AwaitedKind kind,
                                                     std::string_view awaited) const {
  std::string rest(1, static_cast<char>(kind));
  append_ordered_string(rest, awaited);
  const std::string prefix = key(KeyKind::kStepAwaits, rest);
  std::vector<std::string> keys;
  HOLDFAST_TRY(
      source.scan(search::prefix_range(prefix), [&](std::string_view found, std::string_view) {
        keys.emplace_back(found.substr(prefix.size()));
        return true;
      }));
  return keys;
}

Status RunRows::release_dependents(search::KeyTarget& target, AwaitedKind kind,
                                   std::string_view awaited) const {
  HOLDFAST_ASSIGN(const auto keys, dependents(target, kind, awaited));
  for (const std::string& dependent : keys) {
    HOLDFAST_ASSIGN(const auto row, read_step(target, dependent));
    if (!row) continue;
    if (row->open == 0) {
      return Status(StatusCode::kCorruption, "step " + dependent + " of run " + run_.to_text() +
                                                 " waits for nothing, yet " + std::string(awaited) +
                                                 " is done only now; run `holdfast check`");
    }
    StepRow next = *row;
    next.open -= 1;
    if (next.open == 0 && next.seen.state == StepState::waiting) {
      next.seen.state = StepState::ready;
    }
    HOLDFAST_TRY(change_step(target, *row, next));
  }
  return Status::ok();
}

Result<uint64_t> RunRows::count(search::KeySource& source, StepState state) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(counter_key(state)));
  const auto number = bytes ? decode_number(*bytes) : std::nullopt;
  return static_cast<uint64_t>(std::max<int64_t>(number.value_or(0), 0));
}

}  // namespace holdfast::memory
