// Contents that may be longer than a value: in as many values as it takes. The first stands under
// the key, each next one under the key with its number, a byte from 1 on, behind it.
//
// Who: memory/ only. Thread-safety: that of the given source or target.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "search/keyspace.h"

namespace holdfast::memory {

constexpr size_t kPartSizeMax = 1u << 20;  // bytes; each part but the last has so many

// REQUIRES: nothing is there, or a content that is not longer; at most 255 parts.
Status put_parts(search::KeyTarget& target, const std::string& key, std::string_view content);
// nullopt: nothing is there. As a hint where `peeks`.
Result<std::optional<std::string>> get_parts(search::KeySource& source, const std::string& key,
                                             bool peeks = false);
Status del_parts(search::KeyTarget& target, const std::string& key);

}  // namespace holdfast::memory
