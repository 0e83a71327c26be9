#include "blob/records.h"

#include <algorithm>

#include "base/coding.h"
#include "base/hex.h"

namespace holdfast::blob {
namespace {

constexpr char kLayer = 0x0d;
constexpr size_t kPrefixSize = 2;
constexpr size_t kDigestSize = 16;
constexpr size_t kIncarnationSize = 8;

std::string table(char name) {
  return {kLayer, name};
}

Status damaged(const char* what) {
  return Status(StatusCode::kCorruption,
                std::string(what) + " of a blob is malformed; run `holdfast check`");
}

std::string with_hash(char name, const Hash& hash) {
  return table(name).append(hash.data(), hash.size());
}

Hash hash_at(std::string_view bytes) {
  Hash hash;
  std::copy_n(bytes.data(), hash.size(), hash.data());
  return hash;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// False if a character is no digit.
bool parse_hex(std::string_view text, char* out) {
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_of(text[i]);
    const int low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return false;
    out[i / 2] = static_cast<char>(high << 4 | low);
  }
  return true;
}

std::string big_endian(uint64_t number) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
  return bytes;
}

uint64_t from_big_endian(std::string_view bytes) {
  uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

}  // namespace

std::string presence_prefix() {
  return table('p');
}
std::string presence_key(const Hash& hash) {
  return with_hash('p', hash);
}
std::string references_prefix() {
  return table('r');
}
std::string reference_prefix(const Hash& hash) {
  return with_hash('r', hash);
}
std::string reference_key(const Hash& hash, std::string_view referrer) {
  return reference_prefix(hash).append(sha256(referrer).data(), kDigestSize);
}
std::string marks_prefix() {
  return table('x');
}
std::string mark_key(const FileName& name) {
  return with_hash('x', name.hash) + big_endian(name.incarnation);
}

std::string encode(const Presence& presence) {
  std::string bytes;
  append_varint(bytes, presence.size);
  append_varint(bytes, presence.stored_size);
  return bytes + big_endian(presence.incarnation);
}

std::string encode(const Mark& mark) {
  std::string bytes(1, static_cast<char>(mark.state));
  append_varint(bytes, mark.seen_version);
  append_varint(bytes, mark.stored_size);
  return bytes;
}

Result<Hash> hash_of_presence_key(std::string_view key) {
  if (key.size() != kPrefixSize + sizeof(Hash)) return damaged("the presence key");
  return hash_at(key.substr(kPrefixSize));
}

Result<Hash> hash_of_reference_key(std::string_view key) {
  if (key.size() != kPrefixSize + sizeof(Hash) + kDigestSize) return damaged("a reference key");
  return hash_at(key.substr(kPrefixSize));
}

Result<FileName> name_of_mark_key(std::string_view key) {
  if (key.size() != kPrefixSize + sizeof(Hash) + kIncarnationSize) return damaged("the mark key");
  return FileName{hash_at(key.substr(kPrefixSize)),
                  from_big_endian(key.substr(kPrefixSize + sizeof(Hash)))};
}

Result<Presence> decode_presence(std::string_view bytes) {
  const auto size = take_varint(bytes);
  const auto stored_size = take_varint(bytes);
  if (!size || !stored_size || bytes.size() != kIncarnationSize) return damaged("the presence");
  return Presence{*size, *stored_size, from_big_endian(bytes)};
}

Result<Mark> decode_mark(std::string_view bytes) {
  if (bytes.empty() || static_cast<uint8_t>(bytes[0]) > 1) return damaged("the mark");
  const auto state = static_cast<MarkState>(bytes[0]);
  bytes.remove_prefix(1);
  const auto seen_version = take_varint(bytes);
  const auto stored_size = take_varint(bytes);
  if (!seen_version || !stored_size || !bytes.empty()) return damaged("the mark");
  return Mark{state, *seen_version, *stored_size};
}

std::string hex(uint64_t number) {
  return hex_text(big_endian(number));
}

std::string text_of(const FileName& name) {
  return hex_text({name.hash.data(), name.hash.size()}) + "-" + hex(name.incarnation);
}

std::optional<FileName> parse_name(std::string_view text) {
  constexpr size_t kHashDigits = 2 * sizeof(Hash);
  FileName name;
  char incarnation[kIncarnationSize];
  if (text.size() != kHashDigits + 1 + 2 * kIncarnationSize || text[kHashDigits] != '-' ||
      !parse_hex(text.substr(0, kHashDigits), name.hash.data()) ||
      !parse_hex(text.substr(kHashDigits + 1), incarnation)) {
    return std::nullopt;
  }
  name.incarnation = from_big_endian({incarnation, sizeof(incarnation)});
  return name;
}

}  // namespace holdfast::blob
