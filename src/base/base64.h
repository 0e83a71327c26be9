// Bytes as text of 64 signs (RFC 4648), and back.
//
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

// With padding, on one line.
std::string base64_text(std::string_view bytes);
// The bytes; nullopt: signs, length or padding are not those of base64_text.
std::optional<std::string> base64_bytes(std::string_view text);

}  // namespace holdfast
