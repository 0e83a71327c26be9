#include "mcp/catalogue.h"

#include <cctype>

#include "base/hex.h"

namespace holdfast::mcp {

std::optional<std::string> ResourceTemplate::match(const std::string& uri) const {
  const size_t fixed = prefix.size() + suffix.size();
  if (uri.size() <= fixed || uri.compare(0, prefix.size(), prefix) != 0 ||
      uri.compare(uri.size() - suffix.size(), suffix.size(), suffix) != 0) {
    return std::nullopt;
  }
  return percent_decoded(uri.substr(prefix.size(), uri.size() - fixed));
}

std::string percent_encoded(const std::string& bytes) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~' || c == '/') {
      text.push_back(c);
    } else {
      text.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return text;
}

std::optional<std::string> percent_decoded(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes.push_back(text[i]);
      continue;
    }
    const bool whole = i + 2 < text.size();
    const auto high = whole ? hex_value(text[i + 1]) : std::nullopt;
    const auto low = whole ? hex_value(text[i + 2]) : std::nullopt;
    if (!high || !low) return std::nullopt;
    bytes.push_back(static_cast<char>(*high << 4 | *low));
    i += 2;
  }
  return bytes;
}

Json text_content(const std::string& text) {
  return {{"type", "text"}, {"text", text}};
}

Json structured_result(Json object) {
  Json result = {{"content", Json::array({text_content(printed(object, 2))})}};
  result["structuredContent"] = std::move(object);
  return result;
}

}  // namespace holdfast::mcp
