// Checks of names and texts that users give, with messages that say what to do.
//
// Who: memory/ only. Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "holdfast/status.h"

namespace holdfast::memory {

// InvalidArgument.
Status invalid(std::string message);

// UTF-8 of at most `size_max` bytes. `name` begins the message: "source has 2000 bytes; ...".
// Errors: TooLarge, ending with `advice`; InvalidArgument (not UTF-8, with the offset).
Status check_text(std::string_view name, std::string_view text, size_t size_max,
                  std::string_view advice = "shorten it");
// The same for what may not be empty. Errors: also InvalidArgument.
Status check_name(std::string_view name, std::string_view text, size_t size_max,
                  std::string_view advice = "shorten it");

// The same for names that stand as ordered strings: also without a zero byte.
Status check_plain_name(std::string_view name, std::string_view text, size_t size_max);

// A number of 1 to `limit_max`. Errors: InvalidArgument.
Status check_limit(size_t limit, size_t limit_max);

}  // namespace holdfast::memory
