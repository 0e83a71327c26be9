// Values that a command takes from its arguments, from stdin or from a file; and times.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "holdfast/history.h"
#include "holdfast/status.h"

namespace holdfast::cli {

// The value of `argument`; "-" means stdin; `file`, if given, is read instead.
// Errors: InvalidArgument (neither or both), NotFound, PermissionDenied, IoError, TooLarge.
Result<std::string> read_value(const std::optional<std::string>& argument, const std::string& file);

// The same as a stream of any size: `take` gets piece after piece of at most 1 MiB. Errors also
// those of `take`.
Status read_pieces(const std::optional<std::string>& argument, const std::string& file,
                   const std::function<Status(std::string_view piece)>& take);

// "2026-01-31T09:05:00Z" or "2026-01-31". Errors: InvalidArgument. Empty text: nullopt.
Result<std::optional<int64_t>> parse_time_option(const std::string& text);

// "500ms", "90s", "15m", "24h", "7d"; a number alone is seconds. Errors: InvalidArgument.
Result<std::chrono::milliseconds> parse_duration(const std::string& text);

// A version (digits alone), or a time as above; empty: the latest. Errors: InvalidArgument.
Result<AsOf> parse_at_option(const std::string& text);

// "branch=main" as a name and a value in JSON; what is not JSON is a text. Errors: InvalidArgument.
Result<std::pair<std::string, std::string>> parse_member(const std::string& text);

// A JSON array of numbers, from a file or "-". Errors: InvalidArgument, and as of read_value.
Result<std::vector<float>> read_vector(const std::string& file);

// nullopt for an option that was not given.
std::optional<std::string> optional_text(const std::string& text);

}  // namespace holdfast::cli
