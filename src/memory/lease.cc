#include "memory/lease.h"

#include <string>

#include "memory/text_check.h"

namespace holdfast::memory {

int64_t later(int64_t now_us, std::chrono::milliseconds span) {
  return now_us + static_cast<int64_t>(span.count()) * 1000;
}

Status check_span(std::string_view name, std::chrono::milliseconds span,
                  std::chrono::milliseconds least, std::chrono::milliseconds most) {
  if (span >= least && span <= most) return Status::ok();
  return invalid(std::string(name) + " must be " + std::to_string(least.count()) + " to " +
                 std::to_string(most.count()) + " milliseconds");
}

bool HandleLiveness::alive(const HandleId& id) {
  const auto [entry, is_new] = known_.try_emplace({id.incarnation, id.owner}, false);
  if (is_new) entry->second = access_.handle_alive(id);
  return entry->second;
}

}  // namespace holdfast::memory
