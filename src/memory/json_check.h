// JSON well-formedness (RFC 8259), for metadata that is kept as text and printed inside other JSON.
//
// Who: memory/ only. Thread-safety: pure function. Strings are not checked for UTF-8 here.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace holdfast::memory {

constexpr size_t kJsonDepthMax = 128;

// Offset of the first byte that cannot be; nullopt when `text` is one JSON value.
std::optional<size_t> json_first_bad_byte(std::string_view text);

}  // namespace holdfast::memory
