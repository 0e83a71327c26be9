// Consolidation: observations that say the same for the most part become one, which is derived from
// them.
#include <algorithm>
#include <set>

#include "memory/access.h"
#include "memory/duplicate_guard.h"
#include "memory/keys.h"
#include "memory/meter.h"
#include "memory/observation_index.h"
#include "memory/observation_store.h"
#include "memory/observation_strength.h"
#include "memory/text_check.h"
#include "memory/text_maintenance.h"

namespace holdfast {
namespace {

using search::KeySource;
using search::KeyTarget;

// What is remembered of each while they are compared: no contents.
struct Candidate {
  Uuid id;
  uint32_t revision = 0;
  std::optional<std::string> kind;
  std::optional<int64_t> valid_from_us;
  std::optional<int64_t> valid_to_us;
  std::string text_record;
  bool is_taken = false;
};

// What has a key of its own, or was superseded, stands for itself.
bool may_be_merged(const Observation& observation) {
  return !observation.key && observation.superseded_by.empty();
}

// The newest, newest first.
Result<std::vector<Candidate>> read_candidates(KeySource& source, uint32_t space_id,
                                               size_t recent) {
  std::vector<Uuid> ids;
  const std::string prefix = memory::space_prefix(memory::KeyKind::kRow, space_id);
  HOLDFAST_TRY(
      source.peek_scan(search::prefix_range(prefix), [&](std::string_view key, std::string_view) {
        ids.push_back(memory::id_of_index(key));
        return ids.size() < recent;
      }));
  std::vector<Candidate> candidates;
  search::Analyzer analyzer;
  for (const Uuid& id : ids) {
    HOLDFAST_ASSIGN(const auto observation,
                    memory::read_observation(source, space_id, id, /*with_embedding=*/false));
    if (!observation || !may_be_merged(*observation)) continue;
    candidates.push_back({.id = id,
                          .revision = observation->revision,
                          .kind = observation->kind,
                          .valid_from_us = observation->valid_from_us,
                          .valid_to_us = observation->valid_to_us,
                          .text_record = memory::encode_text(analyzer, *observation)});
  }
  return candidates;
}

bool says_the_same(const Candidate& a, const Candidate& b, double similarity_min) {
  return a.kind == b.kind && a.valid_from_us == b.valid_from_us && a.valid_to_us == b.valid_to_us &&
         memory::similarity(a.text_record, b.text_record) >= similarity_min;
}

using Group = std::vector<Candidate>;  // newest first

// Each of a group is like its newest; so nothing drifts away from link to link.
std::vector<Group> group(std::vector<Candidate> candidates, double similarity_min,
                         const ObservationProgress& progress) {
  std::vector<Group> groups;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].is_taken) continue;
    if (progress) progress("observations compared", i, candidates.size());
    Group one;
    for (size_t j = i + 1; j < candidates.size() && one.size() + 1 < kSourcesMax; ++j) {
      if (candidates[j].is_taken) continue;
      if (!says_the_same(candidates[i], candidates[j], similarity_min)) continue;
      candidates[j].is_taken = true;
      one.push_back(candidates[j]);
    }
    if (one.empty()) continue;
    one.insert(one.begin(), candidates[i]);
    groups.push_back(std::move(one));
  }
  return groups;
}

// The field where all have the same, else nothing.
template <typename Field>
void keep_common(const std::vector<Observation>& sources, Field NewObservation::*field,
                 NewObservation& merged) {
  const auto same = [&](const Observation& one) { return one.*field == sources[0].*field; };
  if (std::all_of(sources.begin(), sources.end(), same)) merged.*field = sources[0].*field;
}

template <typename Field>
void keep_greatest(const std::vector<Observation>& sources, Field NewObservation::*field,
                   NewObservation& merged) {
  for (const Observation& one : sources) merged.*field = std::max(merged.*field, one.*field);
}

// The text of the longest, of equal ones the newest; the labels of all of them. Its trust follows
// from theirs.
NewObservation merged_of(const std::vector<Observation>& sources) {
  const auto longest = std::max_element(sources.begin(), sources.end(),
                                        [](const Observation& a, const Observation& b) {
                                          return a.content.size() < b.content.size();
                                        });
  NewObservation merged;
  merged.content = longest->content;
  merged.title = longest->title;
  merged.metadata = longest->metadata;
  merged.kind = longest->kind;
  merged.language = search::info_of(memory::language_of(*longest)).code;
  merged.happened_us = longest->happened_us;
  merged.valid_from_us = longest->valid_from_us;
  merged.valid_to_us = longest->valid_to_us;
  keep_common(sources, &NewObservation::source, merged);
  keep_common(sources, &NewObservation::session, merged);
  keep_common(sources, &NewObservation::run, merged);
  keep_greatest(sources, &NewObservation::confidence, merged);
  keep_greatest(sources, &NewObservation::importance, merged);
  std::set<std::string> tags;
  for (const Observation& one : sources) {
    for (const std::string& tag : one.tags) {
      if (tags.size() < kTagsMax) tags.insert(tag);
    }
    merged.derived_from.push_back(one.id);
  }
  merged.tags.assign(tags.begin(), tags.end());
  return merged;
}

// Those of the group, live and as they were when they were compared; else nothing.
Result<std::vector<Observation>> read_sources(KeySource& source, uint32_t space_id,
                                              const Group& group) {
  std::vector<Observation> sources;
  for (const Candidate& candidate : group) {
    HOLDFAST_ASSIGN(auto one, memory::read_observation(source, space_id, candidate.id, false));
    const bool is_same =
        one && one->forgotten_us == 0 && one->revision == candidate.revision && may_be_merged(*one);
    if (!is_same) return std::vector<Observation>();
    sources.push_back(std::move(*one));
  }
  return sources;
}

// False: one of them has changed meanwhile. Nothing was written then.
Result<bool> merge_group(memory::Access& access, KeyTarget& target, uint32_t space_id,
                         const Group& group, const memory::Stamp& stamp, Consolidated& out) {
  HOLDFAST_ASSIGN(const std::vector<Observation> sources, read_sources(target, space_id, group));
  if (sources.empty()) return false;
  HOLDFAST_ASSIGN(const ObservationSettings settings, memory::read_settings(target, space_id));
  search::Analyzer analyzer;
  HOLDFAST_ASSIGN(const memory::PreparedObservation prepared,
                  memory::prepare_observation(analyzer, merged_of(sources), stamp, settings));
  HOLDFAST_TRY(memory::check_observation_room(
      target, space_id, 1, memory::charged_bytes(prepared.observation), access.space_path()));
  HOLDFAST_TRY(memory::write_observation(target, space_id, prepared));
  const int64_t now_us = access.now_us();
  for (const Candidate& candidate : group) {
    HOLDFAST_TRY(memory::inherit_strength(target, space_id, candidate.id, prepared.id));
    HOLDFAST_ASSIGN(auto stored, memory::read_row(target, space_id, candidate.id));
    if (stored) {
      HOLDFAST_TRY(memory::forget_stored(target, space_id, candidate.id, *stored, now_us));
    }
  }
  out = {.id = prepared.observation.id,
         .content = prepared.observation.content,
         .sources = prepared.observation.derived_from};
  return true;
}

Status check_options(const ConsolidationOptions& options) {
  if (!(options.similarity_min > 0 && options.similarity_min <= 1)) {
    return Status(StatusCode::kInvalidArgument, "similarity_min must be over 0 and at most 1");
  }
  return memory::check_limit(options.recent, kConsolidatedMax);
}

}  // namespace

Result<std::vector<Consolidated>> Observations::consolidate(
    const ConsolidationOptions& options) const {
  HOLDFAST_TRY(check_options(options));
  std::vector<Group> groups;
  std::vector<Consolidated> done;
  HOLDFAST_TRY(access_->read([&](KeySource& source, uint32_t space_id) -> Status {
    done.clear();
    HOLDFAST_ASSIGN(auto candidates, read_candidates(source, space_id, options.recent));
    groups = group(std::move(candidates), options.similarity_min, options.progress);
    if (!options.dry_run) return Status::ok();
    for (const Group& one : groups) {
      HOLDFAST_ASSIGN(const auto sources, read_sources(source, space_id, one));
      NewObservation merged = merged_of(sources);
      done.push_back({.id = {},
                      .content = std::move(merged.content),
                      .sources = std::move(merged.derived_from)});
    }
    return Status::ok();
  }));
  if (options.dry_run) return done;
  uint64_t looked_at = 0;
  for (const Group& one : groups) {
    if (options.progress) options.progress("groups merged", looked_at++, groups.size());
    Consolidated merged;
    bool is_done = false;
    const memory::Stamp stamp = access_->next_stamp();
    HOLDFAST_TRY(access_->write_existing([&](KeyTarget& target, uint32_t space_id) -> Status {
      HOLDFAST_ASSIGN(is_done, merge_group(*access_, target, space_id, one, stamp, merged));
      return Status::ok();
    }));
    if (!is_done) continue;
    memory::fold_when_due(*access_, stamp.id, one.size() + 1);
    done.push_back(std::move(merged));
  }
  return done;
}

}  // namespace holdfast
