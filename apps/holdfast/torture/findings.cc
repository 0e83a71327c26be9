#include "torture/findings.h"

#include <algorithm>
#include <cstring>

namespace holdfast::torture {

void Findings::add(Kind kind, std::string_view text) {
  (kind == Kind::kTorn ? torn : kind == Kind::kLost ? lost : violations).fetch_add(1);
  uint32_t slot = texts_used_.fetch_add(1);
  if (slot >= kTexts) return;
  size_t size = std::min(text.size(), kTextBytes - 1);
  std::memcpy(texts_[slot].data(), text.data(), size);
}

std::vector<std::string> Findings::texts() const {
  std::vector<std::string> result;
  size_t used = std::min<size_t>(texts_used_.load(), kTexts);
  for (size_t i = 0; i < used; ++i) result.emplace_back(texts_[i].data());
  return result;
}

}  // namespace holdfast::torture
