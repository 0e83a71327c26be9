#include "memory/json_canonical.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>

#include "base/check.h"
#include "memory/json_check.h"

namespace holdfast::memory {
namespace {

void append_utf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xc0 | point >> 6));
    out.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | point >> 12));
    out.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | point >> 18));
    out.push_back(static_cast<char>(0x80 | (point >> 12 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  }
}

void append_unicode_escape(std::string& out, uint32_t unit) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHex[unit >> shift & 0xf]);
}

// Digits without leading or trailing zeros, and the exponent of the last one. The exponent is kept
// as far as an int64 goes; a text that exceeds it says the same number as the one at the limit.
std::string canonical_number(std::string_view text) {
  std::string out = text.front() == '-' ? "-" : "";
  std::string digits;
  int64_t exponent = 0;
  bool in_fraction = false;
  size_t at = out.size();
  for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
    if (text[at] == '.') {
      in_fraction = true;
      continue;
    }
    digits.push_back(text[at]);
    if (in_fraction) --exponent;
  }
  if (at < text.size()) {
    std::string_view written = text.substr(at + 1);
    if (written.front() == '+') written.remove_prefix(1);
    int64_t value = 0;
    const auto end = std::from_chars(written.data(), written.data() + written.size(), value);
    constexpr int64_t kFar = int64_t{1} << 60;
    if (end.ec != std::errc()) value = written.front() == '-' ? -kFar : kFar;
    exponent += std::clamp(value, -kFar, kFar);
  }
  digits.erase(0, digits.find_first_not_of('0'));
  if (digits.empty()) return "0";  // also of -0 and 0e9
  const size_t last = digits.find_last_not_of('0');
  exponent += static_cast<int64_t>(digits.size() - last - 1);
  digits.resize(last + 1);
  out += digits;
  if (exponent != 0) out += "e" + std::to_string(exponent);
  return out;
}

// Goes through a text that is known to be well-formed.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // REQUIRES: an object begins here.
  std::map<std::string, std::string> members() {
    ++at_;
    std::map<std::string, std::string> members;
    if (take('}')) return members;
    do {
      skip_space();
      std::string name = string();
      CHECK(take(':'));
      members[std::move(name)] = value();
    } while (take(','));
    CHECK(take('}'));
    return members;
  }
  bool at_object() {
    skip_space();
    return text_[at_] == '{';
  }

  std::string value() {
    skip_space();
    switch (text_[at_]) {
      case '{':
        return object();
      case '[':
        return array();
      case '"':
        return string();
      case 't':
      case 'f':
      case 'n':
        return token();
      default:
        return canonical_number(token());
    }
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != text_.npos) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // A number or a word.
  std::string token() {
    const size_t end = std::min(text_.find_first_of(" \t\n\r,]}", at_), text_.size());
    std::string out(text_.substr(at_, end - at_));
    at_ = end;
    return out;
  }

  std::string object() {
    std::string out = "{";
    for (const auto& [name, member] : members()) {
      if (out.size() > 1) out.push_back(',');
      out.append(name).append(":").append(member);
    }
    return out + "}";
  }

  std::string array() {
    ++at_;
    std::string out = "[";
    if (!take(']')) {
      do {
        if (out.size() > 1) out.push_back(',');
        out += value();
      } while (take(','));
      CHECK(take(']'));
    }
    return out + "]";
  }

  uint32_t unit() {
    uint32_t out = 0;
    std::from_chars(text_.data() + at_, text_.data() + at_ + 4, out, 16);
    at_ += 4;
    return out;
  }

  void append_character(std::string& out, uint32_t point) {
    const bool is_surrogate = point >= 0xd800 && point < 0xe000;
    if (point == '"' || point == '\\') out.push_back('\\');
    if (point < 0x20 || is_surrogate) return append_unicode_escape(out, point);
    append_utf8(out, point);
  }

  void escape(std::string& out) {
    const char c = text_[at_++];
    constexpr std::string_view kNames = "bfnrt";
    constexpr std::string_view kMeant = "\b\f\n\r\t";
    if (const size_t known = kNames.find(c); known != kNames.npos) {
      return append_character(out, static_cast<uint8_t>(kMeant[known]));
    }
    if (c != 'u') return append_character(out, static_cast<uint8_t>(c));
    uint32_t point = unit();
    const bool is_high = point >= 0xd800 && point < 0xdc00;
    if (is_high && text_.substr(at_, 2) == "\\u") {
      const size_t before = at_;
      at_ += 2;
      const uint32_t low = unit();
      if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      } else {
        at_ = before;
      }
    }
    append_character(out, point);
  }

  std::string string() {
    ++at_;
    std::string out = "\"";
    while (text_[at_] != '"') {
      if (text_[at_] != '\\') {
        out.push_back(text_[at_++]);
        continue;
      }
      ++at_;
      escape(out);
    }
    ++at_;
    return out + "\"";
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::string json_canonical(std::string_view text) {
  CHECK(!json_first_bad_byte(text));
  return Reader(text).value();
}

std::map<std::string, std::string> json_members(std::string_view text) {
  CHECK(!json_first_bad_byte(text));
  Reader reader(text);
  return reader.at_object() ? reader.members() : std::map<std::string, std::string>();
}

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (static_cast<unsigned char>(c) < 0x20) {
      append_unicode_escape(out, static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

std::string json_text(std::string_view canonical) {
  std::string out;
  if (canonical.size() < 2 || canonical.front() != '"') return out;
  const std::string_view inside = canonical.substr(1, canonical.size() - 2);
  for (size_t at = 0; at < inside.size(); ++at) {
    if (inside[at] != '\\') {
      out.push_back(inside[at]);
      continue;
    }
    ++at;
    if (inside[at] != 'u') {
      out.push_back(inside[at]);
      continue;
    }
    uint32_t unit = 0;
    std::from_chars(inside.data() + at + 1, inside.data() + at + 5, unit, 16);
    append_utf8(out, unit < 0x20 ? unit : 0xfffd);
    at += 4;
  }
  return out;
}

}  // namespace holdfast::memory
