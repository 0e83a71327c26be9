// Records: what was learned: failures, heuristics, experiments and decisions, with how far they
// have held up since.
//
//   Record rule = *space.records().add({.kind = RecordKind::heuristic,
//                                       .title = "Read the log before restarting",
//                                       .fields = {{"because", "a restart truncates it"}}});
//   space.records().confirm(rule.id, {.evidence = "run/42"});    // and again, until
//   space.records().promote(rule.id);
//
// A record is an observation of that kind: recall finds it, its id is the observation's, and
// forgetting, removing, tags and history are those of observations (holdfast/observation.h). Beside
// that it has fields by name, a state, a confidence that moves with evidence, and counts.
//
// Every change adds an entry to the outbox "records" (holdfast/outbox.h) in the same commit, by
// which a mirror keeps files: topic "<kind>/<action>", payload a JSON object with id, kind, action,
// state, revision and title. They wait there until somebody relays them.
//
// State: open, until it is promoted (heuristics and decisions: it is a rule from now on), closed
// (failures, experiments and decisions: it came to an end) or retracted (it was wrong, for good).
// What is promoted or closed can be opened again.
//
// Thread-safety and errors: as of Kv (holdfast/kv.h). NotFound: there is no such record, or it is
// forgotten. ConditionFalse: its state does not allow it; the message says what does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

namespace memory {
class Access;
}

constexpr std::string_view kRecordOutbox = "records";
constexpr size_t kRecordFieldSizeMax = 64 << 10;  // bytes of UTF-8, at least 1
constexpr size_t kRecordListMax = 1000;           // records of one page
constexpr double kRecordConfirmGain = 0.15;       // of what is missing to 1
constexpr double kRecordContradictLoss = 0.25;    // of what is there
// What promotion asks for, unless it is forced.
constexpr uint64_t kRecordPromoteConfirmations = 3;
constexpr double kRecordPromoteConfidence = 0.7;

enum class RecordKind : uint8_t { failure = 1, heuristic = 2, experiment = 3, decision = 4 };
enum class RecordState : uint8_t { open = 1, promoted = 2, closed = 3, retracted = 4 };

std::string_view record_kind_name(RecordKind kind);
std::string_view record_state_name(RecordState state);
std::optional<RecordKind> parse_record_kind(std::string_view name);
std::optional<RecordState> parse_record_state(std::string_view name);
// The fields that a kind may have, in the order in which they are shown. All of them: "text".
// failure: symptom cause fix prevention. heuristic: rule when because except. experiment:
// hypothesis method result conclusion. decision: context choice alternatives consequences.
const std::vector<std::string_view>& record_fields(RecordKind kind);

struct NewRecord {
  RecordKind kind = RecordKind::failure;
  std::string title = {};                          // 1 to kTitleSizeMax bytes
  std::map<std::string, std::string> fields = {};  // names: see record_fields
  double confidence = 0.5;                         // 0 to 1
  std::vector<std::string> tags = {};
  std::optional<std::string> source = {};
  std::optional<std::string> session = {};
  std::optional<std::string> run = {};
  std::vector<std::string> derived_from = {};  // ids of observations, whole
  // Idempotency: of a record that is there with this key the present one is returned.
  std::optional<std::string> key = {};
};

struct Record : NewRecord {
  std::string id = {};  // of the observation
  RecordState state = RecordState::open;
  std::string outcome = {};  // why it was closed, promoted, opened again or retracted
  uint64_t confirmations = 0;
  uint64_t contradictions = 0;
  int64_t created_us = 0;
  int64_t changed_us = 0;
  uint32_t revision = 0;  // how often it was changed
};

struct RecordEdit {
  std::optional<std::string> title = {};
  std::map<std::string, std::string> fields = {};  // an empty text takes the field away
  std::optional<std::vector<std::string>> tags = {};
  // Only if it was changed so often. Else ConditionFalse.
  std::optional<uint32_t> revision = {};
};

// What speaks for a record or against it.
struct Evidence {
  // An end of a link, such as "run/<id>" (holdfast/link.h). Linked to the record ("confirmed by",
  // "contradicted by"), and counted once, however often it is given. Empty: counted each time.
  std::string evidence = {};
  std::string note = {};  // kept with the link
};

struct RecordListOptions {
  std::optional<RecordKind> kind = {};
  std::optional<RecordState> state = {};
  std::vector<std::string> tags = {};  // has all of them
  std::optional<int64_t> since_us = {};
  std::string after = {};  // id of the last of the page before
  size_t limit = 50;       // 1 to kRecordListMax
};

class Records {
 public:
  explicit Records(std::shared_ptr<memory::Access> access);  // see Space::records

  // Errors: those of Observations::add; InvalidArgument (a field that the kind has not, no field
  // with text, confidence).
  Result<Record> add(const NewRecord& record) const;
  // `id` as in Observations: a unique prefix will do. Errors: NotFound, also if that observation is
  // no record.
  Result<Record> get(std::string_view id) const;
  // Newest first.
  Result<std::vector<Record>> list(const RecordListOptions& options = {}) const;

  // Errors: ConditionFalse (retracted; revision).
  Result<Record> edit(std::string_view id, const RecordEdit& edit) const;
  // Errors: ConditionFalse (retracted), InvalidArgument and NotFound (evidence).
  Result<Record> confirm(std::string_view id, const Evidence& evidence = {}) const;
  Result<Record> contradict(std::string_view id, const Evidence& evidence = {}) const;

  // `why` is the outcome then. Errors: ConditionFalse (the kind or state; unless `force`: fewer
  // confirmations or less confidence than it takes).
  Result<Record> promote(std::string_view id, std::string_view why = {}, bool force = false) const;
  Result<Record> close(std::string_view id, std::string_view outcome) const;
  Result<Record> reopen(std::string_view id, std::string_view why = {}) const;
  Result<Record> retract(std::string_view id, std::string_view why) const;
  // For good, from every index.
  Status remove(std::string_view id) const;

 private:
  std::shared_ptr<memory::Access> access_;
};

}  // namespace holdfast
