#include "holdfast/care.h"

namespace holdfast::care {
namespace {

std::optional<unsigned> digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

}  // namespace

std::string key_text(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      text += "\\\\";
    } else if (byte >= 0x20 && byte < 0x7f) {
      text += c;
    } else {
      text += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text;
}

std::optional<std::string> parse_key_text(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    if (text[0] != '\\') {
      bytes += text[0];
      text.remove_prefix(1);
    } else if (text.size() >= 2 && text[1] == '\\') {
      bytes += '\\';
      text.remove_prefix(2);
    } else {
      if (text.size() < 4 || text[1] != 'x') return std::nullopt;
      const auto high = digit_of(text[2]);
      const auto low = digit_of(text[3]);
      if (!high || !low) return std::nullopt;
      bytes += static_cast<char>(*high << 4 | *low);
      text.remove_prefix(4);
    }
  }
  return bytes;
}

}  // namespace holdfast::care
