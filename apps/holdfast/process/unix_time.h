// The time of day.
#pragma once

#include <chrono>
#include <cstdint>

namespace holdfast::process {

// Microseconds since 1970, UTC.
inline int64_t unix_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace holdfast::process
