#include "base/ordered_key.h"

namespace holdfast {
namespace {

// After a 00: either it stood for itself, or the string ends. The end sorts first, so that a string
// comes before its own extensions.
constexpr char kEnd = '\x01';
constexpr char kZero = '\xff';

}  // namespace

void append_ordered_string(std::string& out, std::string_view value) {
  out.reserve(out.size() + value.size() + 2);
  while (true) {
    const size_t zero = value.find('\0');
    out.append(value.substr(0, zero));
    out.push_back('\0');
    if (zero == std::string_view::npos) break;
    out.push_back(kZero);
    value.remove_prefix(zero + 1);
  }
  out.push_back(kEnd);
}

void append_ordered_u64(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::optional<std::string> take_ordered_string(std::string_view& bytes) {
  std::string value;
  std::string_view rest = bytes;
  while (true) {
    const size_t zero = rest.find('\0');
    if (zero == std::string_view::npos || zero + 1 == rest.size()) return std::nullopt;
    value.append(rest.substr(0, zero));
    const char mark = rest[zero + 1];
    rest.remove_prefix(zero + 2);
    if (mark == kEnd) break;
    if (mark != kZero) return std::nullopt;
    value.push_back('\0');
  }
  bytes = rest;
  return value;
}

std::optional<uint64_t> take_ordered_u64(std::string_view& bytes) {
  if (bytes.size() < 8) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  bytes.remove_prefix(8);
  return value;
}

std::string ordered_prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(end.back() + 1);
  return end;
}

}  // namespace holdfast
