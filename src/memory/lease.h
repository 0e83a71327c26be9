// Spans of time that callers give, the ends of leases, and whether who holds one lives.
//
// Who: memory/ only. Thread-safety: that of the given access.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "memory/access.h"

namespace holdfast::memory {

int64_t later(int64_t now_us, std::chrono::milliseconds span);

// Errors: InvalidArgument.
Status check_span(std::string_view name, std::chrono::milliseconds span,
                  std::chrono::milliseconds least, std::chrono::milliseconds most);

// Whether handles live, each asked once.
class HandleLiveness {
 public:
  explicit HandleLiveness(Access& access) : access_(access) {}
  bool alive(const HandleId& id);

 private:
  Access& access_;
  std::map<std::pair<uint64_t, uint32_t>, bool> known_;
};

}  // namespace holdfast::memory
