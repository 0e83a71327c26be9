#include "memory/metadata_index.h"

#include "holdfast/observation.h"
#include "memory/json_canonical.h"
#include "memory/json_check.h"
#include "search/text_record.h"

namespace holdfast::memory {

std::string label_prefix(KeyKind kind, uint32_t space_id, std::string_view field,
                         std::string_view value) {
  const std::string label = std::string(field).append("=").append(value);
  std::string key = space_prefix(kind, space_id);
  append_big_endian(key, search::hash_facet(label));
  append_big_endian(key, search::hash_term(label));
  return key;
}

std::string member_prefix(KeyKind kind, uint32_t space_id,
                          const std::pair<const std::string, std::string>& member) {
  return label_prefix(kind, space_id, "metadata", member.first + ":" + member.second);
}

std::map<std::string, std::string> indexed_members(std::string_view metadata) {
  std::map<std::string, std::string> indexed;
  if (json_first_bad_byte(metadata)) return indexed;
  for (auto& [name, value] : json_members(metadata)) {
    const bool is_scalar = value[0] != '{' && value[0] != '[';
    if (is_scalar) indexed[name] = value;
    if (indexed.size() == kIndexedMembersMax) break;
  }
  return indexed;
}

std::optional<std::pair<std::string, std::string>> asked_member(
    const std::pair<std::string, std::string>& member) {
  if (json_first_bad_byte(member.second)) return std::nullopt;
  return std::pair(json_quoted(member.first), json_canonical(member.second));
}

bool has_member(const std::optional<std::string>& metadata,
                const std::pair<std::string, std::string>& member) {
  const auto asked = asked_member(member);
  if (!asked || !metadata) return false;
  const auto members = indexed_members(*metadata);
  const auto found = members.find(asked->first);
  return found != members.end() && found->second == asked->second;
}

}  // namespace holdfast::memory
