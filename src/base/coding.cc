#include "base/coding.h"

namespace holdfast {

void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

size_t varint_size(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

std::optional<uint64_t> take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    if (i == 9 && byte > 1) return std::nullopt;  // more than 64 bits
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte & 0x80) continue;
    if (byte == 0 && i > 0) return std::nullopt;  // a shorter form exists: one value, one encoding
    bytes.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

void append_string(std::string& out, std::string_view value) {
  append_varint(out, value.size());
  out.append(value);
}

std::optional<std::string_view> take_string(std::string_view& bytes) {
  std::string_view rest = bytes;
  const std::optional<uint64_t> size = take_varint(rest);
  if (!size || *size > rest.size()) return std::nullopt;
  const std::string_view value = rest.substr(0, *size);
  rest.remove_prefix(*size);
  bytes = rest;
  return value;
}

}  // namespace holdfast
