// Times in tables.
#pragma once

#include <cstdint>
#include <string>

#include "base/time_text.h"

namespace holdfast::cli {

// "2026-01-31T09:05:00"; empty for 0.
inline std::string shown_time(int64_t time_us) {
  constexpr size_t kToTheSecond = 19;
  return time_us == 0 ? "" : time_text(time_us).substr(0, kToTheSecond);
}

}  // namespace holdfast::cli
