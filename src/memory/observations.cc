#include <algorithm>

#include "holdfast/observation.h"
#include "memory/access.h"
#include "memory/duplicate_guard.h"
#include "memory/keys.h"
#include "memory/meter.h"
#include "memory/observation_index.h"
#include "memory/observation_mend.h"
#include "memory/observation_store.h"
#include "memory/parallel.h"
#include "memory/text_maintenance.h"
#include "memory/vector_spaces.h"

namespace holdfast {
namespace {

using memory::Access;
using memory::PreparedObservation;
using search::KeySource;
using search::KeyTarget;

// Half a millisecond's work: many times what a thread takes to begin.
constexpr size_t kPreparedPerThread = 64;

// The space's settings, and which keys are there already, as far as this view shows; what has such
// a key needs no analysis.
Status find_existing(Access& access, std::span<const NewObservation> observations,
                     ObservationSettings& settings, std::vector<AddedObservation>& added) {
  return access.read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(settings, memory::read_settings(source, space_id));
    for (size_t i = 0; i < observations.size(); ++i) {
      if (!observations[i].key) continue;
      const std::string key = redact(*observations[i].key, settings.redaction);
      HOLDFAST_ASSIGN(const std::optional<Uuid> id, memory::find_key(source, space_id, key));
      if (id) added[i] = {.id = id->to_text(), .existed = true};
    }
    return Status::ok();
  });
}

// Those at `places`. Analysing them takes most of the time of a large batch, and nothing of the
// store. Errors: the first's.
Result<std::vector<PreparedObservation>> prepare(Access& access,
                                                 std::span<const NewObservation> observations,
                                                 const std::vector<size_t>& places,
                                                 const ObservationSettings& settings) {
  std::vector<memory::Stamp> stamps;
  for (size_t i = 0; i < places.size(); ++i) stamps.push_back(access.next_stamp());
  std::vector<PreparedObservation> prepared(places.size());
  std::vector<Status> refused(places.size());
  memory::for_each_part(
      places.size(), kPreparedPerThread, access.threads_max(), [&](size_t begin, size_t end) {
        search::Analyzer analyzer;
        for (size_t i = begin; i < end; ++i) {
          auto one =
              memory::prepare_observation(analyzer, observations[places[i]], stamps[i], settings);
          refused[i] = one.status();
          if (!one) return;
          prepared[i] = std::move(*one);
        }
      });
  for (const Status& status : refused) HOLDFAST_TRY(Status(status));
  return prepared;
}

// All of one model, that of "main".
Status check_embeddings(KeyTarget& target, uint32_t space_id,
                        const std::vector<PreparedObservation>& prepared) {
  std::optional<memory::VectorDefinition> main;
  for (const PreparedObservation& one : prepared) {
    const std::optional<Embedding>& embedding = one.observation.embedding;
    if (!embedding) continue;
    if (!main) {
      HOLDFAST_ASSIGN(main, memory::find_definition(target, space_id, kMainVectorSpace));
    }
    if (!main) main = memory::VectorDefinition{0, memory::options_of(*embedding)};
    HOLDFAST_TRY(memory::check_fits(*main, kMainVectorSpace, *embedding));
  }
  return Status::ok();
}

// Writes what is not there; fills `added` anew, as the work of a transaction may run again.
Status write_missing(Access& access, KeyTarget& target, uint32_t space_id,
                     const std::vector<PreparedObservation>& prepared,
                     const std::vector<size_t>& places, const AddOptions& options,
                     std::vector<AddedObservation>& added) {
  // Everything that may be refused is looked at before anything is written.
  std::vector<std::optional<Uuid>> same(prepared.size());
  HOLDFAST_TRY(check_embeddings(target, space_id, prepared));
  int64_t count = 0;
  int64_t bytes = 0;
  for (size_t i = 0; i < prepared.size(); ++i) {
    const Observation& observation = prepared[i].observation;
    HOLDFAST_TRY(memory::effective_trust(target, space_id, {}, observation.derived_from).status());
    if (options.duplicates.action != OnDuplicate::allow) {
      HOLDFAST_ASSIGN(same[i],
                      memory::find_duplicate(target, space_id, prepared[i], options.duplicates));
    }
    if (same[i] && options.duplicates.action == OnDuplicate::refuse) {
      return Status(StatusCode::kConditionFalse,
                    "observation " + same[i]->to_text() +
                        " says the same; edit that one, or allow duplicates");
    }
    std::optional<Uuid> existing = same[i];
    if (observation.key && !existing) {
      HOLDFAST_ASSIGN(existing, memory::find_key(target, space_id, *observation.key));
    }
    if (existing) continue;
    ++count;
    bytes += memory::charged_bytes(observation);
  }
  HOLDFAST_TRY(memory::check_observation_room(target, space_id, count, bytes, access.space_path()));
  for (size_t i = 0; i < prepared.size(); ++i) {
    const Observation& observation = prepared[i].observation;
    AddedObservation& result = added[places[i]];
    result = {.id = prepared[i].id.to_text(), .redactions = prepared[i].redactions};
    std::optional<Uuid> existing;
    if (observation.key) {
      HOLDFAST_ASSIGN(existing, memory::find_key(target, space_id, *observation.key));
    }
    if (existing || same[i]) {
      result = {.id = existing.value_or(same[i].value_or(Uuid())).to_text(),
                .existed = existing.has_value(),
                .is_duplicate = !existing};
      continue;
    }
    HOLDFAST_TRY(memory::write_observation(target, space_id, prepared[i]));
  }
  return Status::ok();
}

}  // namespace

Observations::Observations(std::shared_ptr<memory::Access> access) : access_(std::move(access)) {}

Result<std::string> Observations::add(const NewObservation& observation) const {
  HOLDFAST_ASSIGN(std::vector<AddedObservation> added, add_all({&observation, 1}));
  return std::move(added[0].id);
}

Result<std::vector<AddedObservation>> Observations::add_all(
    std::span<const NewObservation> observations, const AddOptions& options) const {
  HOLDFAST_TRY(memory::check_guard(options.duplicates));
  for (const NewObservation& observation : observations) {
    HOLDFAST_TRY(memory::check_observation(observation));
  }
  std::vector<AddedObservation> added(observations.size());
  ObservationSettings settings;
  HOLDFAST_TRY(find_existing(*access_, observations, settings, added));

  std::vector<size_t> places;  // of the prepared ones in `observations`
  for (size_t i = 0; i < observations.size(); ++i) {
    if (!added[i].existed) places.push_back(i);
  }
  if (places.empty()) return added;
  HOLDFAST_ASSIGN(const std::vector<PreparedObservation> prepared,
                  prepare(*access_, observations, places, settings));
  HOLDFAST_TRY(access_->write([&](KeyTarget& target, uint32_t space_id) {
    return write_missing(*access_, target, space_id, prepared, places, options, added);
  }));
  memory::fold_when_due(*access_, prepared.back().id, prepared.size());
  return added;
}

Result<Observation> Observations::get(std::string_view id) const {
  HOLDFAST_TRY(memory::parse_id_prefix(id).status());
  std::optional<Observation> observation;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const Uuid found,
                    memory::resolve_id(source, space_id, id, access_->space_path()));
    HOLDFAST_ASSIGN(observation, memory::read_observation(source, space_id, found, true));
    return Status::ok();
  }));
  if (!observation) return memory::no_such_observation(id, access_->space_path());
  return std::move(*observation);
}

Status Observations::remove(std::string_view id) const {
  HOLDFAST_TRY(memory::parse_id_prefix(id).status());
  bool removed = false;
  Uuid of;
  HOLDFAST_TRY(access_->write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(const Uuid found,
                    memory::resolve_id(target, space_id, id, access_->space_path()));
    HOLDFAST_ASSIGN(removed, memory::erase_observation(target, space_id, found));
    of = found;
    return Status::ok();
  }));
  if (removed) memory::fold_when_due(*access_, of);
  return removed ? Status::ok() : memory::no_such_observation(id, access_->space_path());
}

Result<uint64_t> Observations::reindex(const ObservationProgress& progress) const {
  if (!access_->is_own_commit()) {
    return Status(StatusCode::kInvalidArgument,
                  "reindex is many commits; use the space's handle without a transaction");
  }
  return memory::rebuild_index(*access_, progress);
}

Result<uint64_t> Observations::unmatched() const {
  uint64_t count = 0;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) -> Status {
    HOLDFAST_ASSIGN(count, memory::count_unmatched(source, space_id));
    return Status::ok();
  }));
  return count;
}

Result<bool> Observations::is_fold_due() const {
  return memory::is_fold_due(*access_);
}

Result<size_t> Observations::fold(size_t steps_max) const {
  if (!access_->is_own_commit()) {
    return Status(StatusCode::kInvalidArgument,
                  "folding is many commits; use the space's handle without a transaction");
  }
  return memory::fold(*access_, steps_max);
}

Result<uint64_t> Observations::count() const {
  uint64_t count = 0;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) {
    const std::string prefix = memory::space_prefix(memory::KeyKind::kId, space_id);
    return source.scan(search::prefix_range(prefix), [&](std::string_view, std::string_view) {
      ++count;
      return true;
    });
  }));
  return count;
}

}  // namespace holdfast
