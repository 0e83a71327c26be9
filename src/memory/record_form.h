// The form of a record as an observation: its content is the fields as a text that people read and
// recall searches; its metadata holds what the text does not tell.
//
// Metadata, members of a JSON object: "record": 1; "record_state", "record_outcome": texts;
// "record_confirmations", "record_contradictions": numbers; "record_fields": texts by name.
//
// Who: records.cc. Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "holdfast/observation.h"
#include "holdfast/record.h"

namespace holdfast::memory {

constexpr std::string_view kRecordMember = "record";
constexpr std::string_view kRecordStateMember = "record_state";

// Errors: InvalidArgument, TooLarge.
Status check_record(const NewRecord& record);

std::string record_content(const Record& record);
std::string record_metadata(const Record& record);
// nullopt: it is no record.
std::optional<Record> record_of(const Observation& observation);

// What the outbox says of a change.
std::string record_payload(const Record& record, std::string_view action);

}  // namespace holdfast::memory
