#include "memory/observation_index.h"

#include <algorithm>
#include <map>

#include "memory/json_canonical.h"
#include "memory/json_check.h"
#include "memory/keys.h"
#include "memory/observation_store.h"
#include "search/text_record.h"

namespace holdfast::memory {
namespace {

std::string label_prefix(uint32_t space_id, std::string_view field, std::string_view value) {
  const std::string label = facet(field, value);
  std::string key = space_prefix(KeyKind::kObservationIndex, space_id);
  append_big_endian(key, search::hash_facet(label));
  append_big_endian(key, search::hash_term(label));
  return key;
}

// Of one that is not hot.
std::string tier_prefix(uint32_t space_id, Tier tier) {
  return label_prefix(space_id, "tier", tier == Tier::warm ? "warm" : "cold");
}

// Those members by which an observation can be found.
std::map<std::string, std::string> indexed_members(const std::string& metadata) {
  std::map<std::string, std::string> indexed;
  if (json_first_bad_byte(metadata)) return indexed;
  for (auto& [name, value] : json_members(metadata)) {
    const bool is_scalar = value[0] != '{' && value[0] != '[';
    if (is_scalar) indexed[name] = value;
    if (indexed.size() == kIndexedMembersMax) break;
  }
  return indexed;
}

std::string member_text(const std::string& name, const std::string& value) {
  return name + ":" + value;
}

// The member that is asked for, in canonical form; nullopt: its value is not JSON.
std::optional<std::pair<std::string, std::string>> asked_member(
    const std::pair<std::string, std::string>& member) {
  if (json_first_bad_byte(member.second)) return std::nullopt;
  return std::pair(json_quoted(member.first), json_canonical(member.second));
}

bool has_member(const Observation& observation, const std::pair<std::string, std::string>& member) {
  const auto asked = asked_member(member);
  if (!asked || !observation.metadata) return false;
  const auto members = indexed_members(*observation.metadata);
  const auto found = members.find(asked->first);
  return found != members.end() && found->second == asked->second;
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
    keys.push_back(label_prefix(space_id, field, value).append(end));
  };
  if (observation.run) add("run", *observation.run);
  if (observation.session) add("session", *observation.session);
  if (observation.kind) add("kind", *observation.kind);
  for (const std::string& tag : observation.tags) add("tag", tag);
  if (observation.metadata) {
    for (const auto& [name, value] : indexed_members(*observation.metadata)) {
      add("metadata", member_text(name, value));
    }
  }
  if (auto key = tier_key(space_id, id, observation.tier)) keys.push_back(std::move(*key));
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

std::optional<std::string> index_prefix(uint32_t space_id, const ObservationListOptions& options) {
  if (options.run) return label_prefix(space_id, "run", *options.run);
  if (options.session) return label_prefix(space_id, "session", *options.session);
  if (options.metadata) {
    const auto asked = asked_member(*options.metadata);
    if (asked) return label_prefix(space_id, "metadata", member_text(asked->first, asked->second));
  }
  if (!options.tags.empty()) return label_prefix(space_id, "tag", options.tags.front());
  if (options.kind) return label_prefix(space_id, "kind", *options.kind);
  if (options.tier && *options.tier != Tier::hot) return tier_prefix(space_id, *options.tier);
  return std::nullopt;
}

Uuid id_of_index(std::string_view key) {
  Uuid id;
  const std::string bytes = complement(key.substr(key.size() - id.bytes.size()));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(id.bytes.data()));
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
         (!options.metadata || has_member(observation, *options.metadata)) &&
         (!options.tier || observation.tier == *options.tier) &&
         (!options.as_of_us || holds_at(observation, *options.as_of_us)) &&
         is_between(observation.created_us, options.since_us, options.until_us);
}

}  // namespace holdfast::memory
