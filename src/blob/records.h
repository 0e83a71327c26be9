// What the tree says of blobs. The keys stand under 0x0d, which belongs to this room.
//
// | key                          | value                | means                                |
// |------------------------------|----------------------|--------------------------------------|
// | 0d 'p' hash:32               | Presence             | the content is there, in this file   |
// | 0d 'r' hash:32 digest:16     | the referrer's bytes | a reference; digest: of the referrer |
// | 0d 'x' hash:32 incarnation:8 | Mark                 | the file is dead, and to be removed  |
//
// Who: this room. Thread-safety: pure functions.
// Invariants, in every committed version:
//   1. A reference has a presence of its hash, and a presence has a reference.
//   2. An incarnation, that is, a file, is named by a presence or by a mark, never by both. Every
//      file in its final place is named by one of the two.
//   3. The file of a presence is whole and durable, in its place or in new/ (files.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "blob/sha256.h"
#include "holdfast/status.h"

namespace holdfast::blob {

// A file: a content, and which of the files that ever held it. Incarnations are drawn at random and
// never come back, so removing a file by its name never hits a younger one.
struct FileName {
  Hash hash{};
  uint64_t incarnation = 0;

  friend auto operator<=>(const FileName&, const FileName&) = default;
};

struct Presence {
  uint64_t size = 0;         // of the content
  uint64_t stored_size = 0;  // of the file
  uint64_t incarnation = 0;
};

enum class MarkState : uint8_t {
  kDead = 0,    // may come back to life by the handle of who made it
  kDoomed = 1,  // will be removed, whatever happens
};
struct Mark {
  MarkState state = MarkState::kDead;
  uint64_t seen_version = 0;  // it was dead at this version; 0: nobody has looked yet
  uint64_t stored_size = 0;
};

std::string presence_prefix();
std::string presence_key(const Hash& hash);
std::string references_prefix();
std::string reference_prefix(const Hash& hash);
std::string reference_key(const Hash& hash, std::string_view referrer);
std::string marks_prefix();
std::string mark_key(const FileName& name);

std::string encode(const Presence& presence);
std::string encode(const Mark& mark);

// Errors: Corruption.
Result<Hash> hash_of_presence_key(std::string_view key);
Result<Hash> hash_of_reference_key(std::string_view key);
Result<FileName> name_of_mark_key(std::string_view key);
Result<Presence> decode_presence(std::string_view bytes);
Result<Mark> decode_mark(std::string_view bytes);

std::string hex(uint64_t number);  // 16 digits
// "<64 digits>-<16 digits>", as files are called.
std::string text_of(const FileName& name);
std::optional<FileName> parse_name(std::string_view text);

}  // namespace holdfast::blob
