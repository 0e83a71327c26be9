// Hexadecimal digits, to and from.
//
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

constexpr std::string_view kHexDigits = "0123456789abcdef";

// Two lower-case digits for each byte.
std::string hex_text(std::string_view bytes);
// What a digit of either case stands for; nullopt: it is none.
std::optional<int> hex_value(char digit);

}  // namespace holdfast
