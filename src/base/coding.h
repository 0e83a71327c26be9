// Byte encodings: little-endian fixed-width integers and varints for records and pages.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "durable structs are little-endian");

// Fixed-width little-endian load and store at any alignment.
template <typename T>
T load_le(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}
template <typename T>
void store_le(char* bytes, T value) {
  std::memcpy(bytes, &value, sizeof(T));
}

// LEB128 varint, at most 10 bytes.
void append_varint(std::string& out, uint64_t value);
size_t varint_size(uint64_t value);

// Takes a varint off the front of `bytes`; nullopt (bytes unchanged) when truncated or over-long.
std::optional<uint64_t> take_varint(std::string_view& bytes);

// Appends varint length then the bytes; takes them back. nullopt when truncated.
void append_string(std::string& out, std::string_view value);
std::optional<std::string_view> take_string(std::string_view& bytes);

}  // namespace holdfast
