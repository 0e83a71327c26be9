#include "base/utf8.h"

#include <cstdint>

#include "base/coding.h"

namespace holdfast {
namespace {

bool is_continuation(char byte) {
  return (static_cast<uint8_t>(byte) & 0xc0) == 0x80;
}

// Size of the character that `text` (not empty, not ASCII) begins with; 0 when it is malformed.
size_t character_size(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return 0;
  }
  const auto second = static_cast<uint8_t>(text[1]);
  if (lead == 0xe0 && second < 0xa0) return 0;   // a shorter form exists
  if (lead == 0xed && second >= 0xa0) return 0;  // surrogate
  if (lead == 0xf0 && second < 0x90) return 0;   // a shorter form exists
  if (lead == 0xf4 && second >= 0x90) return 0;  // beyond U+10FFFF
  return size;
}

}  // namespace

std::optional<size_t> utf8_first_bad_byte(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && (load_le<uint64_t>(text.data() + at) & kHighBits) == 0) {
      at += 8;
    } else if (static_cast<uint8_t>(text[at]) < 0x80) {
      at += 1;
    } else if (const size_t size = character_size(text.substr(at)); size != 0) {
      at += size;
    } else {
      return at;
    }
  }
  return std::nullopt;
}

std::string_view utf8_prefix(std::string_view text, size_t size_max) {
  if (text.size() <= size_max) return text;
  while (size_max > 0 && is_continuation(text[size_max])) --size_max;
  return text.substr(0, size_max);
}

}  // namespace holdfast
