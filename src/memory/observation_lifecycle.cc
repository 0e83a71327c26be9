// What happens to an observation after it was added: edited, superseded, forgotten, restored,
// purged.
#include <algorithm>
#include <utility>

#include "base/time_text.h"
#include "memory/access.h"
#include "memory/content_parts.h"
#include "memory/keys.h"
#include "memory/meter.h"
#include "memory/observation_index.h"
#include "memory/observation_store.h"
#include "memory/observation_tiers.h"
#include "memory/text_check.h"
#include "memory/text_maintenance.h"
#include "memory/vector_spaces.h"

namespace holdfast {
namespace {

using memory::KeyKind;
using memory::StoredRow;
using search::KeySource;
using search::KeyTarget;

constexpr char kRowPart = 'r';
constexpr char kContentPart = 'c';

Status refused(std::string message) {
  return Status(StatusCode::kConditionFalse, std::move(message));
}

// Runs `work` on the row of the observation that `id` names, with its content.
using StoredWork =
    std::function<Status(KeyTarget& target, uint32_t space_id, const Uuid& id, StoredRow& stored)>;
Status with_stored(memory::Access& access, std::string_view id, const StoredWork& work) {
  HOLDFAST_TRY(memory::parse_id_prefix(id).status());
  bool found = false;
  Uuid of;
  HOLDFAST_TRY(access.write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const Uuid named,
                    memory::resolve_id(target, space_id, id, access.space_path()));
    HOLDFAST_ASSIGN(auto stored, memory::read_row(target, space_id, named));
    found = stored.has_value();
    if (!found) return Status::ok();
    HOLDFAST_TRY(memory::complete_content(target, space_id, named, stored->row));
    of = named;
    return work(target, space_id, named, *stored);
  }));
  if (!found) return memory::no_such_observation(id, access.space_path());
  memory::fold_when_due(access, of);
  return Status::ok();
}

std::string history_key(uint32_t space_id, const Uuid& id, uint32_t revision, char part) {
  std::string key = memory::space_key(KeyKind::kObservationHistory, space_id, id.view());
  memory::append_big_endian(key, revision);
  key.push_back(part);
  return key;
}

Status keep_history(KeyTarget& target, uint32_t space_id, const Uuid& id, const StoredRow& before) {
  const Observation& observation = before.row.observation;
  const bool is_long = before.row.has_long_content;
  HOLDFAST_TRY(target.put(history_key(space_id, id, observation.revision, kRowPart),
                          memory::encode_row(observation, is_long)));
  if (!is_long) return Status::ok();
  return memory::put_parts(target, history_key(space_id, id, observation.revision, kContentPart),
                           observation.content);
}

void set_text(const std::optional<std::string>& change, std::optional<std::string>& text) {
  if (!change) return;
  text = change->empty() ? std::nullopt : change;
}

void set_time(const std::optional<int64_t>& change, std::optional<int64_t>& time_us) {
  if (!change) return;
  time_us = *change == kNoTime ? std::nullopt : change;
}

void apply_edit(const ObservationEdit& edit, NewObservation& observation) {
  if (edit.content) observation.content = *edit.content;
  set_text(edit.title, observation.title);
  set_text(edit.source, observation.source);
  set_text(edit.kind, observation.kind);
  set_text(edit.session, observation.session);
  set_text(edit.run, observation.run);
  set_text(edit.metadata, observation.metadata);
  if (edit.tags) observation.tags = *edit.tags;
  if (edit.confidence) observation.confidence = edit.confidence;
  if (edit.importance) observation.importance = edit.importance;
  if (edit.trust) observation.trust = edit.trust;
  set_time(edit.valid_from_us, observation.valid_from_us);
  set_time(edit.valid_to_us, observation.valid_to_us);
}

// What is edited is hot. Index entries that only one of them has are dropped or put; the row and
// the text follow.
Status replace(KeyTarget& target, uint32_t space_id, const Uuid& id, const StoredRow& before,
               StoredRow& after) {
  HOLDFAST_TRY(memory::leave_tier(target, space_id, id, before.row));
  after.row.observation.tier = Tier::hot;
  const Observation& observation = after.row.observation;
  const auto old_keys = memory::index_keys(space_id, id, before.row.observation);
  const auto new_keys = memory::index_keys(space_id, id, observation);
  for (const std::string& key : old_keys) {
    if (!std::binary_search(new_keys.begin(), new_keys.end(), key)) HOLDFAST_TRY(target.del(key));
  }
  for (const std::string& key : new_keys) {
    if (!std::binary_search(old_keys.begin(), old_keys.end(), key)) {
      HOLDFAST_TRY(target.put(key, ""));
    }
  }
  const std::string content_key = memory::space_key(KeyKind::kContent, space_id, id.view());
  after.row.has_long_content = observation.content.size() > memory::kInlineContentSizeMax;
  if (before.row.has_long_content) HOLDFAST_TRY(memory::del_parts(target, content_key));
  if (after.row.has_long_content) {
    HOLDFAST_TRY(memory::put_parts(target, content_key, observation.content));
  }
  if (observation.content != before.row.observation.content) {  // they stood for what it was
    HOLDFAST_TRY(memory::drop_vectors(target, space_id, id));
  } else if (memory::facets_of(observation) != memory::facets_of(before.row.observation)) {
    HOLDFAST_TRY(memory::relabel_vectors(target, space_id, id, observation));
  }
  HOLDFAST_TRY(memory::replace_text(target, space_id, id, before.row.observation, observation));
  return memory::put_row(target, space_id, id, after);
}

// Whose successor was removed for good may get another, and holds until that one does.
Status check_supersedable(KeySource& source, uint32_t space_id, const Observation& old,
                          int64_t from_us) {
  const bool had_successor = !old.superseded_by.empty();
  if (had_successor) {
    HOLDFAST_ASSIGN(const auto successor,
                    memory::read_row(source, space_id, *Uuid::parse(old.superseded_by)));
    if (successor) {
      return refused("observation " + old.id + " is superseded by " + old.superseded_by +
                     " already; supersede that one");
    }
  }
  const bool begins = old.valid_from_us && from_us <= *old.valid_from_us;
  const bool ended = !had_successor && old.valid_to_us && *old.valid_to_us < from_us;
  if (!begins && !ended) return Status::ok();
  return refused("observation " + old.id + " does not hold at " + time_text(from_us) +
                 ", when its successor begins to; give the successor another valid_from_us");
}

}  // namespace

Status Observations::configure(const ObservationSettings& settings) const {
  HOLDFAST_TRY(check_redaction(settings.redaction));
  HOLDFAST_TRY(memory::check_language(settings.language));
  return access_->write([&](KeyTarget& target, uint32_t space_id) {
    return memory::write_settings(target, space_id, settings);
  });
}

Result<ObservationSettings> Observations::settings() const {
  ObservationSettings settings;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(settings, memory::read_settings(source, space_id));
    return Status::ok();
  }));
  return settings;
}

Result<Observation> Observations::edit(std::string_view id, const ObservationEdit& edit) const {
  if (edit.content && edit.content->empty()) {
    return Status(StatusCode::kInvalidArgument, "the new content is empty; forget it instead");
  }
  Observation edited;
  const auto work = [&](KeyTarget& target, uint32_t space_id, const Uuid& named,
                        StoredRow& before) -> Status {
    HOLDFAST_TRY(memory::check_live(before));
    StoredRow after = before;
    Observation& observation = after.row.observation;
    if (edit.revision && *edit.revision != observation.revision) {
      return refused("observation " + observation.id + " is at revision " +
                     std::to_string(observation.revision) + ", not " +
                     std::to_string(*edit.revision) + "; read it again");
    }
    HOLDFAST_ASSIGN(const ObservationSettings settings, memory::read_settings(target, space_id));
    apply_edit(edit, observation);
    if (edit.content) HOLDFAST_TRY(memory::leave_out_recalled(observation.content));
    memory::redact_observation(observation, settings.redaction, nullptr);
    HOLDFAST_TRY(memory::check_observation(observation));
    observation.revision += 1;
    observation.edited_us = access_->now_us();
    const double own_before = before.row.observation.trust.value_or(1);
    const bool trust_changes = observation.trust.value_or(1) != own_before;
    if (trust_changes) {
      HOLDFAST_ASSIGN(observation.effective_trust,
                      memory::effective_trust_of(target, space_id, observation));
    }
    const int64_t more_bytes =
        memory::charged_bytes(observation) - memory::charged_bytes(before.row.observation);
    HOLDFAST_TRY(
        memory::check_observation_room(target, space_id, 0, more_bytes, access_->space_path()));
    HOLDFAST_TRY(memory::charge(target, space_id, memory::Figure::kObservationBytes, more_bytes));
    HOLDFAST_TRY(keep_history(target, space_id, named, before));
    HOLDFAST_TRY(replace(target, space_id, named, before, after));
    edited = observation;
    return trust_changes ? memory::follow_trust(target, space_id, named) : Status::ok();
  };
  HOLDFAST_TRY(with_stored(*access_, id, work));
  return edited;
}

Result<std::vector<Observation>> Observations::history(std::string_view id) const {
  HOLDFAST_TRY(memory::parse_id_prefix(id).status());
  std::vector<Observation> revisions;
  bool found = false;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const Uuid named,
                    memory::resolve_id(source, space_id, id, access_->space_path()));
    HOLDFAST_ASSIGN(const auto stored, memory::read_row(source, space_id, named));
    found = stored.has_value();
    Status failure;
    const std::string prefix =
        memory::space_key(KeyKind::kObservationHistory, space_id, named.view());
    // A revision's content, where it stands by itself, comes before its row, in parts.
    const size_t part_at = prefix.size() + sizeof(uint32_t);
    std::string content;
    HOLDFAST_TRY(source.scan(search::prefix_range(prefix),
                             [&](std::string_view key, std::string_view value) {
                               if (key[part_at] == kContentPart) {
                                 content.append(value);
                                 return true;
                               }
                               auto row = memory::decode_row(named, value);
                               failure = row.status();
                               if (!row) return false;
                               if (row->has_long_content)
                                 row->observation.content = std::exchange(content, {});
                               revisions.push_back(std::move(row->observation));
                               return true;
                             }));
    return failure;
  }));
  if (!found) return memory::no_such_observation(id, access_->space_path());
  return revisions;
}

Result<std::string> Observations::supersede(std::string_view id,
                                            const NewObservation& successor) const {
  HOLDFAST_TRY(memory::check_observation(successor));
  HOLDFAST_ASSIGN(const ObservationSettings settings, this->settings());
  NewObservation dated = successor;
  if (!dated.valid_from_us) dated.valid_from_us = access_->now_us();
  search::Analyzer analyzer;
  HOLDFAST_ASSIGN(const memory::PreparedObservation prepared,
                  memory::prepare_observation(analyzer, dated, access_->next_stamp(), settings));
  std::string new_id;
  const auto work = [&](KeyTarget& target, uint32_t space_id, const Uuid& named,
                        StoredRow& old) -> Status {
    HOLDFAST_TRY(memory::check_live(old));
    new_id = prepared.observation.id;
    if (prepared.observation.key) {
      HOLDFAST_ASSIGN(const auto existing,
                      memory::find_key(target, space_id, *prepared.observation.key));
      const bool is_done = existing && existing->to_text() == old.row.observation.superseded_by;
      if (is_done) new_id = existing->to_text();
      if (is_done) return Status::ok();
      if (existing) {
        return refused("observation " + existing->to_text() +
                       " has the successor's key; use another key");
      }
    }
    HOLDFAST_TRY(check_supersedable(target, space_id, old.row.observation, *dated.valid_from_us));
    HOLDFAST_TRY(memory::check_observation_room(
        target, space_id, 1, memory::charged_bytes(prepared.observation), access_->space_path()));
    HOLDFAST_TRY(memory::write_observation(target, space_id, prepared));
    old.row.observation.valid_to_us = dated.valid_from_us;
    old.row.observation.superseded_by = new_id;
    return memory::put_row(target, space_id, named, old);
  };
  HOLDFAST_TRY(with_stored(*access_, id, work));
  return new_id;
}

Status Observations::forget(std::string_view id) const {
  return with_stored(
      *access_, id,
      [&](KeyTarget& target, uint32_t space_id, const Uuid& named, StoredRow& stored) -> Status {
        return memory::forget_stored(target, space_id, named, stored, access_->now_us());
      });
}

Status Observations::restore(std::string_view id) const {
  const auto work = [&](KeyTarget& target, uint32_t space_id, const Uuid& named,
                        StoredRow& stored) -> Status {
    Observation& observation = stored.row.observation;
    if (!stored.is_forgotten) {
      return refused("observation " + observation.id + " is not forgotten");
    }
    if (observation.key) {
      HOLDFAST_ASSIGN(const auto other, memory::find_key(target, space_id, *observation.key));
      if (other) {
        return refused("observation " + other->to_text() + " has the key of " + observation.id +
                       " by now; forget that one first");
      }
    }
    HOLDFAST_TRY(target.del(
        memory::space_key(KeyKind::kForgotten, space_id, memory::complement(named.view()))));
    stored.is_forgotten = false;
    observation.forgotten_us = 0;
    HOLDFAST_TRY(memory::put_vectors_back(target, space_id, named, observation));
    search::Analyzer analyzer;
    return memory::put_findable(target, space_id, named, stored,
                                memory::encode_text(analyzer, observation));
  };
  return with_stored(*access_, id, work);
}

Result<uint64_t> Observations::purge(int64_t before_us, size_t limit) const {
  HOLDFAST_TRY(memory::check_limit(limit, kObservationListLimitMax));
  uint64_t purged = 0;
  HOLDFAST_TRY(access_->write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    purged = 0;
    std::vector<Uuid> ids;
    Status failure;
    const KeyRange all = search::prefix_range(memory::space_prefix(KeyKind::kForgotten, space_id));
    HOLDFAST_TRY(target.peek_scan(all, [&](std::string_view key, std::string_view value) {
      const Uuid id = memory::id_of_index(key);
      const auto row = memory::decode_row(id, value);
      failure = row.status();
      if (row && row->observation.forgotten_us < before_us) ids.push_back(id);
      return failure && ids.size() < limit;
    }));
    HOLDFAST_TRY(failure);
    for (const Uuid& id : ids) {
      HOLDFAST_ASSIGN(const auto stored, memory::read_row(target, space_id, id));
      if (!stored || !stored->is_forgotten) continue;
      HOLDFAST_TRY(memory::erase_observation(target, space_id, id).status());
      ++purged;
    }
    return Status::ok();
  }));
  return purged;
}

}  // namespace holdfast
