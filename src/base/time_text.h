// Times as text: microseconds since 1970 to and from RFC 3339, for messages, the command line and
// JSON.
//
// Thread-safety: pure functions; no time zone of the machine is consulted.
// Invariant: parse_time(time_text(t)) == t for every t of the years 0000 to 9999.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

// "2026-01-31T09:05:00.000250Z"; a time outside of the years 0000 to 9999, which RFC 3339 cannot
// write, becomes "<number> us".
std::string time_text(int64_t unix_us);

// A date-time of RFC 3339: "T" or a space between date and time, any number of digits of a second
// (those beyond microseconds are dropped), "Z" or an offset. nullopt for all else. A leap second
// (":60") is the second after it.
std::optional<int64_t> parse_time(std::string_view text);

}  // namespace holdfast
