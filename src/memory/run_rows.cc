#include "memory/run_rows.h"

#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "base/ordered_key.h"
#include "base/time_text.h"
#include "memory/fields.h"

namespace holdfast::memory {
namespace {

enum RunField : uint32_t {
  kRunState = 1,
  kRunName = 2,
  kRunKeyField = 3,
  kRunSession = 4,
  kRunCreated = 5,
  kRunEnded = 6,
  kRunError = 7,
};
enum GateField : uint32_t {
  kGateState = 1,
  kGatePrompt = 2,
  kGateCreated = 3,
  kGateExpires = 4,
  kGateDecided = 5,
  kGateBy = 6,
  kGateComment = 7,
};
enum EventField : uint32_t { kWhat = 1, kKey = 2, kAttempt = 3, kBy = 4, kDetail = 5 };

std::string with_id(std::string prefix, const Uuid& id) {
  return prefix.append(id.view());
}

std::string encode_run(const RunInfo& info) {
  FieldWriter fields;
  fields.number(kRunState, static_cast<uint64_t>(info.state))
      .text(kRunName, info.name)
      .text_if(kRunKeyField, info.key)
      .text_if(kRunSession, info.session)
      .integer(kRunCreated, info.created_us);
  if (info.ended_us != 0) fields.integer(kRunEnded, info.ended_us);
  if (!info.error.empty()) fields.text(kRunError, info.error);
  return fields.bytes();
}

std::string run_index_key(uint32_t space_id, RunState state, const Uuid& run) {
  return space_key(KeyKind::kRunIndex, space_id, std::string(1, static_cast<char>(state)))
      .append(complement(run.view()));
}

}  // namespace

RunRows::RunRows(Access& access, uint32_t space_id, const Uuid& run)
    : access_(access), space_id_(space_id), run_(run) {}

std::string RunRows::key(KeyKind kind, std::string_view rest) const {
  return with_id(space_prefix(kind, space_id_), run_).append(rest);
}

Result<std::optional<RunInfo>> RunRows::read_run(search::KeySource& source) const {
  HOLDFAST_ASSIGN(const auto bytes,
                  source.get(space_key(KeyKind::kRun, space_id_, complement(run_.view()))));
  if (!bytes) return std::optional<RunInfo>();
  HOLDFAST_ASSIGN(const FieldReader fields, FieldReader::parse(*bytes, "run " + run_.to_text()));
  RunInfo info;
  info.id = run_.to_text();
  info.state = static_cast<RunState>(fields.number_or(kRunState, 0));
  info.name = fields.text_or_empty(kRunName);
  info.key = fields.text(kRunKeyField);
  info.session = fields.text(kRunSession);
  info.created_us = fields.integer_or(kRunCreated, 0);
  info.ended_us = fields.integer_or(kRunEnded, 0);
  info.error = fields.text_or_empty(kRunError);
  return std::optional<RunInfo>(std::move(info));
}

Status RunRows::insert_run(search::KeyTarget& target, const RunInfo& info) const {
  HOLDFAST_TRY(
      target.put(space_key(KeyKind::kRun, space_id_, complement(run_.view())), encode_run(info)));
  if (info.key) HOLDFAST_TRY(target.put(run_name_key(space_id_, *info.key), run_.view()));
  if (info.input) HOLDFAST_TRY(target.put(run_data_key(DataKind::kInput), *info.input));
  HOLDFAST_TRY(target.put(run_index_key(space_id_, info.state, run_), ""));
  return note(target, "run running", {}, 0, {});
}

Status RunRows::change_run(search::KeyTarget& target, const RunInfo& before, const RunInfo& info,
                           const RunNote& why) const {
  CHECK(may_move(before.state, info.state));
  HOLDFAST_TRY(target.del(run_index_key(space_id_, before.state, run_)));
  HOLDFAST_TRY(target.put(run_index_key(space_id_, info.state, run_), ""));
  HOLDFAST_TRY(
      target.put(space_key(KeyKind::kRun, space_id_, complement(run_.view())), encode_run(info)));
  return note(target, "run " + std::string(run_state_name(info.state)), {}, 0, why);
}

Status RunRows::erase_run(search::KeyTarget& target, const RunInfo& info) const {
  HOLDFAST_TRY(target.del(space_key(KeyKind::kRun, space_id_, complement(run_.view()))));
  HOLDFAST_TRY(target.del(run_index_key(space_id_, info.state, run_)));
  if (info.key) HOLDFAST_TRY(target.del(run_name_key(space_id_, *info.key)));
  for (const KeyKind kind :
       {KeyKind::kRunData, KeyKind::kStep, KeyKind::kStepIndex, KeyKind::kStepAwaits,
        KeyKind::kStepData, KeyKind::kGate, KeyKind::kRunEvent, KeyKind::kStepCounter}) {
    HOLDFAST_TRY(target.del_range(search::prefix_range(key(kind, {}))));
  }
  return Status::ok();
}

std::string RunRows::run_data_key(DataKind what) const {
  return key(KeyKind::kRunData, std::string(1, static_cast<char>(what)));
}
std::string RunRows::run_name_key(uint32_t space_id, std::string_view key) {
  return space_key(KeyKind::kRunName, space_id, key);
}
KeyRange RunRows::run_range(uint32_t space_id) {
  return search::prefix_range(space_prefix(KeyKind::kRun, space_id));
}
KeyRange RunRows::run_state_range(uint32_t space_id, RunState state) {
  return search::prefix_range(
      space_key(KeyKind::kRunIndex, space_id, std::string(1, static_cast<char>(state))));
}
Uuid RunRows::run_of(std::string_view key) {
  Uuid id;
  const std::string bytes = complement(key.substr(key.size() - id.bytes.size()));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(id.bytes.data()));
  return id;
}

Result<std::optional<GateInfo>> RunRows::read_gate(search::KeySource& source,
                                                   std::string_view name) const {
  HOLDFAST_ASSIGN(const auto bytes, source.get(key(KeyKind::kGate, name)));
  if (!bytes) return std::optional<GateInfo>();
  HOLDFAST_ASSIGN(GateInfo gate, decode_gate(name, *bytes));
  return std::optional<GateInfo>(std::move(gate));
}

Result<GateInfo> RunRows::decode_gate(std::string_view name, std::string_view bytes) const {
  HOLDFAST_ASSIGN(
      const FieldReader fields,
      FieldReader::parse(bytes, "gate " + std::string(name) + " of run " + run_.to_text()));
  GateInfo gate;
  gate.name = std::string(name);
  gate.state = static_cast<GateState>(fields.number_or(kGateState, 0));
  gate.prompt = fields.text_or_empty(kGatePrompt);
  gate.created_us = fields.integer_or(kGateCreated, 0);
  gate.expires_us = fields.integer_or(kGateExpires, 0);
  gate.decided_us = fields.integer_or(kGateDecided, 0);
  gate.decided_by = fields.text_or_empty(kGateBy);
  gate.comment = fields.text_or_empty(kGateComment);
  const bool is_late = gate.expires_us != 0 && gate.expires_us <= access_.now_us();
  if (gate.state == GateState::waiting && is_late) gate.state = GateState::expired;
  return gate;
}

Status RunRows::write_gate(search::KeyTarget& target, const GateInfo& gate) const {
  FieldWriter fields;
  fields.number(kGateState, static_cast<uint64_t>(gate.state))
      .text(kGatePrompt, gate.prompt)
      .integer(kGateCreated, gate.created_us)
      .integer(kGateExpires, gate.expires_us)
      .integer(kGateDecided, gate.decided_us)
      .text(kGateBy, gate.decided_by)
      .text(kGateComment, gate.comment);
  HOLDFAST_TRY(target.put(key(KeyKind::kGate, gate.name), fields.bytes()));
  return note(target, "gate " + std::string(gate_state_name(gate.state)), gate.name, 0,
              {gate.decided_by, gate.state == GateState::waiting ? gate.prompt : gate.comment});
}

KeyRange RunRows::gate_range() const {
  return search::prefix_range(key(KeyKind::kGate, {}));
}
std::string_view RunRows::name_of_gate(std::string_view gate_key) const {
  return gate_key.substr(key(KeyKind::kGate, {}).size());
}

Status RunRows::note(search::KeyTarget& target, std::string_view what, std::string_view key_noted,
                     uint32_t attempt, const RunNote& note) const {
  constexpr size_t kDetailSizeMax = 512;
  FieldWriter fields;
  fields.text(kWhat, what);
  if (!key_noted.empty()) fields.text(kKey, key_noted);
  if (attempt != 0) fields.number(kAttempt, attempt);
  if (!note.by.empty()) fields.text(kBy, note.by);
  if (!note.detail.empty()) fields.text(kDetail, note.detail.substr(0, kDetailSizeMax));
  // The id tells apart, and sorts, what one transaction notes.
  return target.put_stamped(key(KeyKind::kRunEvent, {}), access_.next_stamp().id.view(),
                            fields.bytes(), {.has_time = true});
}

KeyRange RunRows::timeline_range() const {
  return search::prefix_range(key(KeyKind::kRunEvent, {}));
}

Result<RunEvent> RunRows::decode_event(std::string_view event_key, std::string_view value) const {
  const std::string what = "the timeline of run " + run_.to_text();
  if (value.size() < sizeof(uint64_t)) {
    return Status(StatusCode::kCorruption, what + " has a malformed line; run `holdfast check`");
  }
  HOLDFAST_ASSIGN(const FieldReader fields,
                  FieldReader::parse(value.substr(sizeof(uint64_t)), what));
  RunEvent event;
  event.at_us = static_cast<int64_t>(load_le<uint64_t>(value.data()));
  event.what = fields.text_or_empty(kWhat);
  event.key = fields.text_or_empty(kKey);
  event.attempt = static_cast<uint32_t>(fields.number_or(kAttempt, 0));
  event.by = fields.text_or_empty(kBy);
  event.detail = fields.text_or_empty(kDetail);
  event.cursor = std::string(event_key.substr(key(KeyKind::kRunEvent, {}).size()));
  return event;
}

}  // namespace holdfast::memory
