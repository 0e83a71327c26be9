#include "holdfast/record.h"

#include <functional>

#include "holdfast/link.h"
#include "holdfast/outbox.h"
#include "memory/access.h"
#include "memory/link_rows.h"
#include "memory/record_form.h"
#include "memory/text_check.h"
#include "memory/within_access.h"

namespace holdfast {
namespace {

using memory::WithinAccess;

Status refused(std::string message) {
  return Status(StatusCode::kConditionFalse, std::move(message));
}

Status no_record(std::string_view id, std::string_view why) {
  return Status(StatusCode::kNotFound, "there is no record " + std::string(id) + std::string(why));
}

std::string shown(const Record& record) {
  return std::string(record_kind_name(record.kind)) + " " + record.id;
}

Result<Record> require(const Observations& observations, std::string_view id) {
  HOLDFAST_ASSIGN(const Observation observation, observations.get(id));
  if (observation.forgotten_us != 0) return no_record(id, "; it is forgotten, restore it first");
  auto record = memory::record_of(observation);
  if (!record) return no_record(id, ": that observation is none");
  return std::move(*record);
}

Status check_not_retracted(const Record& record) {
  if (record.state != RecordState::retracted) return Status::ok();
  return refused(shown(record) + " is retracted, for good; add a new one");
}

Status check_state(const Record& record, RecordState expected, std::string_view what) {
  if (record.state == expected) return Status::ok();
  return refused(shown(record) + " is " + std::string(record_state_name(record.state)) +
                 "; only what is " + std::string(record_state_name(expected)) + " can be " +
                 std::string(what));
}

Status tell(const std::shared_ptr<WithinAccess>& within, const Record& record,
            std::string_view action) {
  const std::string topic = std::string(record_kind_name(record.kind)) + "/" + std::string(action);
  return Outbox(within, std::string(kRecordOutbox))
      .add(topic, memory::record_payload(record, action))
      .status();
}

NewObservation observation_of(const NewRecord& added) {
  Record record;
  static_cast<NewRecord&>(record) = added;
  NewObservation observation;
  observation.content = memory::record_content(record);
  observation.title = added.title;
  observation.kind = std::string(record_kind_name(added.kind));
  observation.source = added.source;
  observation.session = added.session;
  observation.run = added.run;
  observation.tags = added.tags;
  observation.metadata = memory::record_metadata(record);
  observation.confidence = added.confidence;
  observation.derived_from = added.derived_from;
  observation.key = added.key;
  return observation;
}

// Changes a record as `change` says, in one commit with the outbox. A change that returns false
// has nothing to do.
using Change = std::function<Result<bool>(Record& record)>;
using Follow = std::function<Status(const std::shared_ptr<WithinAccess>&, const Record& record)>;

Result<Record> change_record(memory::Access& access, std::string_view id, std::string_view action,
                             const Change& change, const Follow& follow = {}) {
  std::optional<Record> changed;
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    changed.reset();
    const auto within = std::make_shared<WithinAccess>(access, target, space_id);
    const Observations observations(within);
    HOLDFAST_ASSIGN(Record record, require(observations, id));
    HOLDFAST_ASSIGN(const bool has_changed, change(record));
    if (!has_changed) {
      changed = std::move(record);
      return Status::ok();
    }
    ObservationEdit edit;
    edit.content = memory::record_content(record);
    edit.title = record.title;
    edit.tags = record.tags;
    edit.metadata = memory::record_metadata(record);
    edit.confidence = record.confidence;
    HOLDFAST_ASSIGN(const Observation edited, observations.edit(record.id, edit));
    changed = memory::record_of(edited);  // without the secrets that editing took out
    if (!changed) return no_record(id, ": redaction has damaged it");
    if (follow) HOLDFAST_TRY(follow(within, *changed));
    return tell(within, *changed, action);
  }));
  if (!changed) return no_record(id, "");
  return std::move(*changed);
}

Status check_why(std::string_view why) {
  return memory::check_text("the reason", why, kRecordFieldSizeMax);
}

// Moves to `state`, if `check` finds nothing against it.
Result<Record> move_record(memory::Access& access, std::string_view id, std::string_view action,
                           RecordState state, std::string_view why,
                           const std::function<Status(const Record&)>& check) {
  HOLDFAST_TRY(check_why(why));
  return change_record(access, id, action, [&](Record& record) -> Result<bool> {
    HOLDFAST_TRY(check(record));
    record.state = state;
    record.outcome = why;
    return true;
  });
}

Status check_evidence(const Evidence& evidence) {
  HOLDFAST_TRY(memory::check_text("the note", evidence.note, kLinkDataSizeMax));
  if (!evidence.evidence.empty()) return memory::check_link_end(evidence.evidence);
  if (evidence.note.empty()) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "a note is kept with the evidence; name that, too");
}

// Evidence for a record or against it.
Result<Record> weigh(memory::Access& access, std::string_view id, const Evidence& evidence,
                     bool speaks_for) {
  const std::string_view link_type = speaks_for ? "confirmed by" : "contradicted by";
  HOLDFAST_TRY(check_evidence(evidence));
  bool has_link = false;
  std::optional<Record> weighed;
  HOLDFAST_TRY(access.write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    weighed.reset();
    const auto within = std::make_shared<WithinAccess>(access, target, space_id);
    const auto change = [&](Record& record) -> Result<bool> {
      HOLDFAST_TRY(check_not_retracted(record));
      has_link = !evidence.evidence.empty();
      if (has_link) {
        HOLDFAST_TRY(memory::check_link_end_exists(target, space_id, evidence.evidence));
        if (evidence.evidence == link_end(record.id)) {
          return Status(StatusCode::kInvalidArgument, "a record is no evidence of itself");
        }
        HOLDFAST_ASSIGN(const auto there,
                        Links(within).get(link_end(record.id), link_type, evidence.evidence));
        if (there) return false;
      }
      ++(speaks_for ? record.confirmations : record.contradictions);
      record.confidence += speaks_for ? (1 - record.confidence) * kRecordConfirmGain
                                      : -record.confidence * kRecordContradictLoss;
      return true;
    };
    const auto follow = [&](const std::shared_ptr<WithinAccess>& inner, const Record& record) {
      if (!has_link) return Status::ok();
      return Links(inner)
          .put({.from = link_end(record.id),
                .type = std::string(link_type),
                .to = evidence.evidence,
                .data = evidence.note})
          .status();
    };
    HOLDFAST_ASSIGN(weighed, change_record(*within, id, speaks_for ? "confirmed" : "contradicted",
                                           change, follow));
    return Status::ok();
  }));
  if (!weighed) return no_record(id, "");
  return std::move(*weighed);
}

}  // namespace

Records::Records(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<Record> Records::add(const NewRecord& record) const {
  HOLDFAST_TRY(memory::check_record(record));
  const NewObservation observation = observation_of(record);
  std::optional<Record> added;
  HOLDFAST_TRY(access_->write([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    const auto within = std::make_shared<WithinAccess>(*access_, target, space_id);
    const Observations observations(within);
    HOLDFAST_ASSIGN(const auto results, observations.add_all(std::span(&observation, 1)));
    HOLDFAST_ASSIGN(added, require(observations, results.front().id));
    return results.front().existed ? Status::ok() : tell(within, *added, "added");
  }));
  return std::move(*added);
}

Result<Record> Records::get(std::string_view id) const {
  return require(Observations(access_), id);
}

Result<std::vector<Record>> Records::list(const RecordListOptions& options) const {
  HOLDFAST_TRY(memory::check_limit(options.limit, kRecordListMax));
  ObservationListOptions asked;
  asked.limit = options.limit;
  if (options.kind) asked.kind = std::string(record_kind_name(*options.kind));
  asked.metadata = {std::string(memory::kRecordMember), "1"};
  if (options.state) {
    asked.metadata = {std::string(memory::kRecordStateMember),
                      "\"" + std::string(record_state_name(*options.state)) + "\""};
  }
  asked.tags = options.tags;
  asked.since_us = options.since_us;
  asked.after = options.after;
  std::vector<Record> records;
  while (records.size() < options.limit) {
    HOLDFAST_ASSIGN(const auto page, Observations(access_).list(asked));
    for (const Observation& observation : page) {
      auto record = memory::record_of(observation);
      if (record && records.size() < options.limit) records.push_back(std::move(*record));
    }
    if (page.size() < asked.limit) break;
    asked.after = page.back().id;
  }
  return records;
}

Result<Record> Records::edit(std::string_view id, const RecordEdit& edit) const {
  return change_record(*access_, id, "edited", [&](Record& record) -> Result<bool> {
    HOLDFAST_TRY(check_not_retracted(record));
    if (edit.revision && *edit.revision != record.revision) {
      return refused(shown(record) + " is at revision " + std::to_string(record.revision) +
                     ", not " + std::to_string(*edit.revision) + "; read it again");
    }
    if (edit.title) record.title = *edit.title;
    if (edit.tags) record.tags = *edit.tags;
    for (const auto& [name, text] : edit.fields) {
      if (text.empty()) {
        record.fields.erase(name);
      } else {
        record.fields[name] = text;
      }
    }
    HOLDFAST_TRY(memory::check_record(record));
    return true;
  });
}

Result<Record> Records::confirm(std::string_view id, const Evidence& evidence) const {
  return weigh(*access_, id, evidence, true);
}

Result<Record> Records::contradict(std::string_view id, const Evidence& evidence) const {
  return weigh(*access_, id, evidence, false);
}

Result<Record> Records::promote(std::string_view id, std::string_view why, bool force) const {
  return move_record(
      *access_, id, "promoted", RecordState::promoted, why, [&](const Record& record) -> Status {
        HOLDFAST_TRY(check_state(record, RecordState::open, "promoted"));
        if (record.kind != RecordKind::heuristic && record.kind != RecordKind::decision) {
          return refused("a record of kind " + std::string(record_kind_name(record.kind)) +
                         " is closed, not promoted");
        }
        if (force || (record.confirmations >= kRecordPromoteConfirmations &&
                      record.confidence >= kRecordPromoteConfidence)) {
          return Status::ok();
        }
        return refused(shown(record) + " has " + std::to_string(record.confirmations) +
                       " confirmations and needs " + std::to_string(kRecordPromoteConfirmations) +
                       ", with a confidence of 0.7; confirm it, or force it");
      });
}

Result<Record> Records::close(std::string_view id, std::string_view outcome) const {
  HOLDFAST_TRY(memory::check_name("the outcome", outcome, kRecordFieldSizeMax));
  return move_record(*access_, id, "closed", RecordState::closed, outcome,
                     [&](const Record& record) -> Status {
                       HOLDFAST_TRY(check_state(record, RecordState::open, "closed"));
                       if (record.kind != RecordKind::heuristic) return Status::ok();
                       return refused("a heuristic is promoted or retracted, not closed");
                     });
}

Result<Record> Records::reopen(std::string_view id, std::string_view why) const {
  return move_record(*access_, id, "reopened", RecordState::open, why,
                     [&](const Record& record) -> Status {
                       HOLDFAST_TRY(check_not_retracted(record));
                       if (record.state != RecordState::open) return Status::ok();
                       return refused(shown(record) + " is open");
                     });
}

Result<Record> Records::retract(std::string_view id, std::string_view why) const {
  HOLDFAST_TRY(memory::check_name("the reason", why, kRecordFieldSizeMax));
  return move_record(*access_, id, "retracted", RecordState::retracted, why,
                     [&](const Record& record) { return check_not_retracted(record); });
}

Status Records::remove(std::string_view id) const {
  bool found_space = false;
  HOLDFAST_TRY(access_->write_existing([&](search::KeyTarget& target, uint32_t space_id) -> Status {
    found_space = true;
    const auto within = std::make_shared<WithinAccess>(*access_, target, space_id);
    const Observations observations(within);
    HOLDFAST_ASSIGN(const Record record, require(observations, id));
    HOLDFAST_TRY(observations.remove(record.id));
    return tell(within, record, "removed");
  }));
  return found_space ? Status::ok() : no_record(id, "");
}

}  // namespace holdfast
