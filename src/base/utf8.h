// UTF-8 validation, for text that enters from outside.
//
// Thread-safety: pure functions. Valid means: shortest form, no surrogates, at most U+10FFFF.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace holdfast {

// Offset of the first byte of the first malformed or truncated character; nullopt when all is
// valid.
std::optional<size_t> utf8_first_bad_byte(std::string_view text);

// The longest beginning of valid `text`, at whole characters, of at most `size_max` bytes.
std::string_view utf8_prefix(std::string_view text, size_t size_max);

inline bool utf8_valid(std::string_view text) {
  return !utf8_first_bad_byte(text);
}

}  // namespace holdfast
