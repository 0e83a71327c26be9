#include "memory/record_form.h"

#include <algorithm>
#include <charconv>

#include "memory/json_canonical.h"
#include "memory/json_check.h"
#include "memory/text_check.h"

namespace holdfast {

std::string_view record_kind_name(RecordKind kind) {
  switch (kind) {
    case RecordKind::failure:
      return "failure";
    case RecordKind::heuristic:
      return "heuristic";
    case RecordKind::experiment:
      return "experiment";
    case RecordKind::decision:
      return "decision";
  }
  return "";
}

std::string_view record_state_name(RecordState state) {
  switch (state) {
    case RecordState::open:
      return "open";
    case RecordState::promoted:
      return "promoted";
    case RecordState::closed:
      return "closed";
    case RecordState::retracted:
      return "retracted";
  }
  return "";
}

std::optional<RecordKind> parse_record_kind(std::string_view name) {
  for (const RecordKind kind :
       {RecordKind::failure, RecordKind::heuristic, RecordKind::experiment, RecordKind::decision}) {
    if (record_kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

std::optional<RecordState> parse_record_state(std::string_view name) {
  for (const RecordState state :
       {RecordState::open, RecordState::promoted, RecordState::closed, RecordState::retracted}) {
    if (record_state_name(state) == name) return state;
  }
  return std::nullopt;
}

const std::vector<std::string_view>& record_fields(RecordKind kind) {
  static const std::vector<std::string_view> failure = {"text", "symptom", "cause", "fix",
                                                        "prevention"};
  static const std::vector<std::string_view> heuristic = {"text", "rule", "when", "because",
                                                          "except"};
  static const std::vector<std::string_view> experiment = {"text", "hypothesis", "method", "result",
                                                           "conclusion"};
  static const std::vector<std::string_view> decision = {"text", "context", "choice",
                                                         "alternatives", "consequences"};
  switch (kind) {
    case RecordKind::failure:
      return failure;
    case RecordKind::heuristic:
      return heuristic;
    case RecordKind::experiment:
      return experiment;
    case RecordKind::decision:
      break;
  }
  return decision;
}

namespace memory {
namespace {

Status no_such_field(RecordKind kind, const std::string& field) {
  std::string known;
  for (const std::string_view name : record_fields(kind)) {
    known.append(known.empty() ? "" : ", ").append(name);
  }
  return invalid("a record of kind " + std::string(record_kind_name(kind)) + " has no field \"" +
                 field + "\"; it has: " + known);
}

void append_member(std::string& json, std::string_view name, std::string_view value) {
  json.append(json == "{" ? "" : ",").append(json_quoted(name)).append(":").append(value);
}

using Members = std::map<std::string, std::string>;

std::string text_member(const Members& members, std::string_view name) {
  const auto found = members.find(json_quoted(name));
  return found == members.end() ? std::string() : json_text(found->second);
}

// Canonical numbers have an exponent instead of trailing zeros: 10 is 1e1.
uint64_t number_member(const Members& members, std::string_view name) {
  const auto found = members.find(json_quoted(name));
  if (found == members.end()) return 0;
  const std::string& text = found->second;
  uint64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  unsigned exponent = 0;
  if (end.ptr != text.data() + text.size() && *end.ptr == 'e') {
    std::from_chars(end.ptr + 1, text.data() + text.size(), exponent);
  }
  constexpr unsigned kExponentMax = 18;
  for (unsigned i = 0; i < std::min(exponent, kExponentMax); ++i) number *= 10;
  return number;
}

}  // namespace

Status check_record(const NewRecord& record) {
  if (record_kind_name(record.kind).empty()) return invalid("this is no kind of record");
  HOLDFAST_TRY(check_name("the title", record.title, kTitleSizeMax));
  if (!(record.confidence >= 0 && record.confidence <= 1)) {
    return invalid("confidence must be a number of 0 to 1");
  }
  const auto& known = record_fields(record.kind);
  for (const auto& [name, text] : record.fields) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return no_such_field(record.kind, name);
    }
    HOLDFAST_TRY(check_name("the field " + name, text, kRecordFieldSizeMax));
  }
  if (!record.fields.empty()) return Status::ok();
  return invalid("a record needs at least one field, such as " + std::string(known[1]) +
                 ", or a text");
}

std::string record_content(const Record& record) {
  std::string content;
  for (const std::string_view name : record_fields(record.kind)) {
    const auto field = record.fields.find(std::string(name));
    if (field == record.fields.end()) continue;
    if (!content.empty()) content += "\n\n";
    if (name != "text") content.append(name).append(": ");
    content += field->second;
  }
  return content;
}

std::string record_metadata(const Record& record) {
  std::string fields = "{";
  for (const auto& [name, text] : record.fields) append_member(fields, name, json_quoted(text));
  std::string json = "{";
  append_member(json, kRecordMember, "1");
  append_member(json, kRecordStateMember, json_quoted(record_state_name(record.state)));
  if (!record.outcome.empty()) append_member(json, "record_outcome", json_quoted(record.outcome));
  append_member(json, "record_confirmations", std::to_string(record.confirmations));
  append_member(json, "record_contradictions", std::to_string(record.contradictions));
  append_member(json, "record_fields", fields + "}");
  return json + "}";
}

std::optional<Record> record_of(const Observation& observation) {
  if (!observation.metadata || json_first_bad_byte(*observation.metadata)) return std::nullopt;
  const Members members = json_members(*observation.metadata);
  const auto kind = parse_record_kind(observation.kind.value_or(""));
  const auto state = parse_record_state(text_member(members, kRecordStateMember));
  if (number_member(members, kRecordMember) != 1 || !kind || !state) return std::nullopt;
  Record record;
  record.kind = *kind;
  record.title = observation.title.value_or("");
  const auto fields = members.find("\"record_fields\"");
  if (fields != members.end()) {
    for (const auto& [name, text] : json_members(fields->second)) {
      record.fields[json_text(name)] = json_text(text);
    }
  }
  record.confidence = observation.confidence.value_or(0);
  record.tags = observation.tags;
  record.source = observation.source;
  record.session = observation.session;
  record.run = observation.run;
  record.derived_from = observation.derived_from;
  record.key = observation.key;
  record.id = observation.id;
  record.state = *state;
  record.outcome = text_member(members, "record_outcome");
  record.confirmations = number_member(members, "record_confirmations");
  record.contradictions = number_member(members, "record_contradictions");
  record.created_us = observation.created_us;
  record.changed_us = observation.edited_us == 0 ? observation.created_us : observation.edited_us;
  record.revision = observation.revision;
  return record;
}

std::string record_payload(const Record& record, std::string_view action) {
  std::string json = "{";
  append_member(json, "id", json_quoted(record.id));
  append_member(json, "kind", json_quoted(record_kind_name(record.kind)));
  append_member(json, "action", json_quoted(action));
  append_member(json, "state", json_quoted(record_state_name(record.state)));
  append_member(json, "revision", std::to_string(record.revision));
  append_member(json, "title", json_quoted(record.title));
  return json + "}";
}

}  // namespace memory
}  // namespace holdfast
