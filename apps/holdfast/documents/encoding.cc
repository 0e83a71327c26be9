#include "documents/encoding.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace holdfast::documents {
namespace {

uint8_t byte_at(std::string_view text, size_t i) {
  return static_cast<uint8_t>(text[i]);
}

bool may_be_letter(std::string_view text, size_t i) {
  return i < text.size() && (byte_at(text, i) >= 0x80 || std::isalpha(byte_at(text, i)));
}

// Bytes 0xA0 to 0xBF are signs in Latin-1 and letters in its Eastern sisters: a sign between two
// letters says that this is not Latin-1. So do C1 controls and words of nothing but high bytes.
bool looks_latin1(std::string_view text) {
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = byte_at(text, i);
    run = byte >= 0x80 ? run + 1 : 0;
    if (run > 2) return false;
    if (byte < 0x80) continue;
    if (byte < 0xA0) return false;
    bool sign = byte < 0xC0 && byte != 0xAB && byte != 0xBB && byte != 0xB4 && byte != 0xAD &&
                byte != 0xB7 && byte != 0xA0;
    bool letter_before = i > 0 && may_be_letter(text, i - 1);
    if (sign && letter_before && may_be_letter(text, i + 1)) return false;
  }
  return true;
}

bool names_latin1(const std::string& encoding) {
  for (const char* name : {"iso-8859-1", "iso8859-1", "iso_8859-1", "latin-1", "latin1",
                           "iso-latin-1", "latin-1-unix", "iso-8859-1-unix"}) {
    if (encoding == name) return true;
  }
  return false;
}

}  // namespace

bool looks_binary(std::string_view bytes) {
  size_t controls = 0;
  for (char c : bytes) {
    uint8_t byte = static_cast<uint8_t>(c);
    if (byte == 0) return true;
    bool text_control = (byte >= '\b' && byte <= '\r') || byte == 0x1B;
    if (byte < 0x20 && !text_control) ++controls;
  }
  return controls * 100 > bytes.size();
}

std::string declared_encoding(std::string_view text) {
  std::string_view head = text.substr(0, std::min<size_t>(text.size(), 512));
  size_t at = head.find("coding:");
  if (at == std::string_view::npos) at = head.find("coding=");
  if (at == std::string_view::npos) return {};
  std::string name;
  for (size_t i = at + 7; i < head.size(); ++i) {
    auto byte = static_cast<unsigned char>(head[i]);
    bool part = std::isalnum(byte) || byte == '-' || byte == '_';
    if (!part && !name.empty()) break;
    if (part) name += static_cast<char>(std::tolower(byte));
  }
  return name;
}

std::optional<std::string> latin1_to_utf8(std::string_view text) {
  std::string declared = declared_encoding(text);
  bool certain = names_latin1(declared);
  if (!certain && (!declared.empty() || !looks_latin1(text))) return std::nullopt;
  std::string converted;
  converted.reserve(text.size() + text.size() / 8);
  for (char c : text) {
    uint8_t byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      converted += c;
    } else {
      converted += static_cast<char>(0xC0 | (byte >> 6));
      converted += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return converted;
}

}  // namespace holdfast::documents
