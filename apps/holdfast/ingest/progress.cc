#include "ingest/progress.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace holdfast::ingest {
namespace {

void copy(std::string_view text, std::array<char, Progress::kTextBytes>& out) {
  std::memcpy(out.data(), text.data(), std::min(text.size(), out.size() - 1));
}

}  // namespace

void Progress::fail(const Status& status) {
  if (failing_.exchange(true)) return;
  failure_code_ = status.code();
  std::string text(status.message());
  if (!status.path().empty()) text += " [path " + std::string(status.path()) + "]";
  copy(text, failure_text_);
  failed_.store(true);
}

Status Progress::failure() const {
  if (!failed_.load()) return Status::ok();
  return Status(failure_code_, failure_text_.data());
}

void Progress::remark(std::string_view text) {
  uint32_t slot = remarks_used.fetch_add(1);
  if (slot < kRemarks) copy(text, remarks[slot]);
}

}  // namespace holdfast::ingest
