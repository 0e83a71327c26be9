// Metadata: a JSON object beside what is kept, whose members it can be found by.
//
// Under each label, by its hash, stand those that have it; whoever reads an entry compares the row
// with what was asked, so that two labels with one hash do no harm.
//
// Who: memory/ only. Thread-safety: pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "memory/keys.h"

namespace holdfast::memory {

// Where those stand whose `field` has this value.
std::string label_prefix(KeyKind kind, uint32_t space_id, std::string_view field,
                         std::string_view value);
// The same for a member of the metadata; name and value in canonical form.
std::string member_prefix(KeyKind kind, uint32_t space_id,
                          const std::pair<const std::string, std::string>& member);

// The members to be found by, in canonical form: the first kIndexedMembersMax, by name, that are
// neither objects nor arrays.
std::map<std::string, std::string> indexed_members(std::string_view metadata);
// A member that is asked for (its name, its value as JSON) in that form; nullopt: the value is not
// JSON.
std::optional<std::pair<std::string, std::string>> asked_member(
    const std::pair<std::string, std::string>& member);
bool has_member(const std::optional<std::string>& metadata,
                const std::pair<std::string, std::string>& member);

}  // namespace holdfast::memory
