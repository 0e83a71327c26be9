// JSON values: what a pointer leads to (RFC 6901) and merging (RFC 7396). The order of members is
// kept.
//
// Who: memory/ only. Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "holdfast/status.h"

namespace holdfast::memory {

// Errors: InvalidArgument.
Status check_json_pointer(std::string_view pointer);
Status check_json_patch(std::string_view patch);

// The JSON in `text` that the pointer leads to; nullopt: nothing is there. REQUIRES: the pointer
// was checked. Errors: ConditionFalse (`text` is no JSON).
Result<std::optional<std::string>> json_at(std::string_view text, std::string_view pointer);

// REQUIRES: the patch was checked. Errors: ConditionFalse (`text` is no JSON).
Result<std::string> merge_json(std::string_view text, std::string_view patch);

}  // namespace holdfast::memory
