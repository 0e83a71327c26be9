#include "memory/observation_index.h"

#include <algorithm>

#include "memory/keys.h"
#include "memory/metadata_index.h"
#include "memory/observation_store.h"

namespace holdfast::memory {
namespace {

constexpr KeyKind kKind = KeyKind::kObservationIndex;

// Of one that is not hot.
std::string tier_prefix(uint32_t space_id, Tier tier) {
  return label_prefix(kKind, space_id, "tier", tier == Tier::warm ? "warm" : "cold");
}

}  // namespace

std::optional<std::string> tier_key(uint32_t space_id, const Uuid& id, Tier tier) {
  if (tier == Tier::hot) return std::nullopt;
  return tier_prefix(space_id, tier) + complement(id.view());
}

std::vector<std::string> index_keys(uint32_t space_id, const Uuid& id,
                                    const Observation& observation) {
  std::vector<std::string> keys;
  const std::string end = complement(id.view());
  const auto add = [&](std::string_view field, std::string_view value) {
    keys.push_back(label_prefix(kKind, space_id, field, value).append(end));
  };
  if (observation.run) add("run", *observation.run);
  if (observation.session) add("session", *observation.session);
  if (observation.kind) add("kind", *observation.kind);
  for (const std::string& tag : observation.tags) add("tag", tag);
  if (observation.metadata) {
    for (const auto& member : indexed_members(*observation.metadata)) {
      keys.push_back(member_prefix(kKind, space_id, member).append(end));
    }
  }
  if (auto key = tier_key(space_id, id, observation.tier)) keys.push_back(std::move(*key));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

std::optional<std::string> index_prefix(uint32_t space_id, const ObservationListOptions& options) {
  if (options.run) return label_prefix(kKind, space_id, "run", *options.run);
  if (options.session) return label_prefix(kKind, space_id, "session", *options.session);
  if (options.metadata) {
    const auto asked = asked_member(*options.metadata);
    if (asked) return member_prefix(kKind, space_id, *asked);
  }
  if (!options.tags.empty()) return label_prefix(kKind, space_id, "tag", options.tags.front());
  if (options.kind) return label_prefix(kKind, space_id, "kind", *options.kind);
  if (options.tier && *options.tier != Tier::hot) return tier_prefix(space_id, *options.tier);
  return std::nullopt;
}

Uuid id_of_index(std::string_view key) {
  Uuid id;
  const std::string bytes = complement(key.substr(key.size() - id.bytes.size()));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(id.bytes.data()));
  return id;
}

Uuid id_of_key(std::string_view key) {
  Uuid id;
  const std::string_view bytes = key.substr(key.size() - id.bytes.size());
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

bool holds_at(const NewObservation& observation, int64_t at_us) {
  return (!observation.valid_from_us || *observation.valid_from_us <= at_us) &&
         (!observation.valid_to_us || at_us < *observation.valid_to_us);
}

bool passes(const Observation& observation, const ObservationListOptions& options) {
  const auto& tags = observation.tags;
  return (!options.kind || observation.kind == options.kind) &&
         (!options.source || observation.source == options.source) &&
         (!options.session || observation.session == options.session) &&
         (!options.run || observation.run == options.run) &&
         std::all_of(options.tags.begin(), options.tags.end(),
                     [&](const std::string& tag) {
                       return std::find(tags.begin(), tags.end(), tag) != tags.end();
                     }) &&
         (!options.tier || observation.tier == *options.tier) &&
         (!options.metadata || has_member(observation.metadata, *options.metadata)) &&
         (!options.as_of_us || holds_at(observation, *options.as_of_us)) &&
         is_between(observation.created_us, options.since_us, options.until_us);
}

}  // namespace holdfast::memory
