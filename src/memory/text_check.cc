#include "memory/text_check.h"

#include "base/utf8.h"

namespace holdfast::memory {

Status invalid(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

Status check_text(std::string_view name, std::string_view text, size_t size_max,
                  std::string_view advice) {
  if (text.size() > size_max) {
    return Status(StatusCode::kTooLarge, std::string(name) + " has " + std::to_string(text.size()) +
                                             " bytes; at most " + std::to_string(size_max) +
                                             " are allowed: " + std::string(advice));
  }
  if (const auto bad = utf8_first_bad_byte(text)) {
    return Status(StatusCode::kInvalidArgument,
                  std::string(name) + " is not UTF-8: the byte at offset " + std::to_string(*bad) +
                      " is wrong; convert the text, or store bytes with Kv")
        .with_offset(*bad);
  }
  return Status::ok();
}

Status check_name(std::string_view name, std::string_view text, size_t size_max,
                  std::string_view advice) {
  if (text.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  std::string(name) + " is empty; give it at least one character");
  }
  return check_text(name, text, size_max, advice);
}

Status check_plain_name(std::string_view name, std::string_view text, size_t size_max) {
  HOLDFAST_TRY(check_name(name, text, size_max, "use its hash"));
  if (text.find('\0') == std::string_view::npos) return Status::ok();
  return Status(StatusCode::kInvalidArgument, std::string(name) + " has a zero byte; leave it out");
}

Status check_limit(size_t limit, size_t limit_max) {
  if (limit >= 1 && limit <= limit_max) return Status::ok();
  return Status(StatusCode::kInvalidArgument, "limit must be 1 to " + std::to_string(limit_max) +
                                                  "; ask for the next page with `after`");
}

}  // namespace holdfast::memory
