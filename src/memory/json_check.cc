#include "memory/json_check.h"

#include <cstdint>

namespace holdfast::memory {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Recursive descent; at() is where it failed when a method returned false.
class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  bool document() {
    if (!value(0)) return false;
    skip_space();
    return at_ == text_.size();
  }
  size_t at() const { return at_; }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }

  bool value(size_t depth) {
    skip_space();
    switch (peek()) {
      case '{':
        return depth < kJsonDepthMax && container('}', true, depth);
      case '[':
        return depth < kJsonDepthMax && container(']', false, depth);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool container(char close, bool is_object, size_t depth) {
    ++at_;
    skip_space();
    if (take(close)) return true;
    for (;;) {
      if (is_object) {
        skip_space();
        if (!string()) return false;
        skip_space();
        if (!take(':')) return false;
      }
      if (!value(depth + 1)) return false;
      skip_space();
      if (take(close)) return true;
      if (!take(',')) return false;
    }
  }

  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (static_cast<uint8_t>(c) < 0x20) return false;
      ++at_;
      if (c == '"') return true;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

  bool escape() {
    constexpr std::string_view kSimple = "\"\\/bfnrt";
    if (take('u')) {
      for (int i = 0; i < 4; ++i, ++at_) {
        if (!is_hex(peek())) return false;
      }
      return true;
    }
    if (at_ >= text_.size() || kSimple.find(text_[at_]) == std::string_view::npos) return false;
    ++at_;
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<size_t> json_first_bad_byte(std::string_view text) {
  Checker checker(text);
  if (checker.document()) return std::nullopt;
  return checker.at();
}

}  // namespace holdfast::memory
