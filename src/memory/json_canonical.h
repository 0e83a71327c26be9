// One form for each JSON value, so that two texts can be compared for what they say.
//
// Members are sorted by name (bytes of UTF-8) and of members with one name the last is kept; there
// is no space; a number is its digits without leading or trailing zeros and an exponent, so 1, 1.0
// and 10e-1 are one number, exactly, however large; a string escapes only what it must.
//
// Who: memory/ only. Thread-safety: pure function.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace holdfast::memory {

// REQUIRES: json_first_bad_byte(text) is nullopt.
std::string json_canonical(std::string_view text);

// The members of an object, name and value in that form (names with their quotes); none when the
// text is another value. REQUIRES: as above.
std::map<std::string, std::string> json_members(std::string_view text);
// `text`, which is UTF-8, as a JSON string in that form.
std::string json_quoted(std::string_view text);
// What a JSON string in that form says; empty for another value. A surrogate that stands alone,
// which UTF-8 cannot say, is U+FFFD.
std::string json_text(std::string_view canonical);

}  // namespace holdfast::memory
