#include "base/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace holdfast {
namespace {

constexpr std::string_view kSigns =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_text(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    std::array<uint32_t, 3> group = {};
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < count; ++k) group[k] = static_cast<uint8_t>(bytes[i + k]);
    const uint32_t bits = group[0] << 16 | group[1] << 8 | group[2];
    for (size_t k = 0; k < 4; ++k) {
      text += k <= count ? kSigns[(bits >> (18 - 6 * k)) & 63] : '=';
    }
  }
  return text;
}

std::optional<std::string> base64_bytes(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 4) {
    const std::string_view group = text.substr(i, 4);
    const size_t count = std::min(group.find('='), size_t{4});
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; ++k) {
      const size_t value = k < count ? kSigns.find(group[k]) : 0;
      if (value == kSigns.npos || (k >= count && group[k] != '=')) return std::nullopt;
      bits = bits << 6 | static_cast<uint32_t>(value);
    }
    const bool last = i + 4 == text.size();
    if (count < 2 || (count < 4 && !last)) return std::nullopt;
    for (size_t k = 0; k + 1 < count; ++k) {
      bytes.push_back(static_cast<char>(bits >> (16 - 8 * k) & 0xff));
    }
  }
  // One text for each sequence of bytes: the bits that are not used must be zero.
  return base64_text(bytes) == text ? std::optional(bytes) : std::nullopt;
}

}  // namespace holdfast
