#include "base/hex.h"
#include "holdfast/care.h"

namespace holdfast::care {
std::string key_text(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      text += "\\\\";
    } else if (byte >= 0x20 && byte < 0x7f) {
      text += c;
    } else {
      text += {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
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
      const auto high = hex_value(text[2]);
      const auto low = hex_value(text[3]);
      if (!high || !low) return std::nullopt;
      bytes += static_cast<char>(*high << 4 | *low);
      text.remove_prefix(4);
    }
  }
  return bytes;
}

}  // namespace holdfast::care
