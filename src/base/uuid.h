// Uuid: the 16 bytes that name an observation and other records; version 7 of RFC 9562, so that ids
// sort by the time they were made. The caller gives time and randomness: base/ has neither.
//
// Thread-safety: Uuid is a value; UuidSequence may be called from any thread.
// Invariants:
//   1. Bytewise order of ids of one UuidSequence is the order of the calls to next().
//   2. to_text() and parse() are inverses; the text is 36 lower-case characters.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  // Version 7: 48 bits of milliseconds since 1970, then 74 of the 80 random bits.
  static Uuid from_time(uint64_t unix_ms, std::span<const uint8_t, 10> random);

  // The 36-character form in either case, any version; nullopt for all else.
  static std::optional<Uuid> parse(std::string_view text);

  std::string to_text() const;  // "01890a5d-ac96-774b-bcce-b302099a8057"
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), 16}; }
  uint64_t unix_ms() const;  // meaningful for version 7

  auto operator<=>(const Uuid&) const = default;
};

// Version 7 ids that never go back, even when several are made in one millisecond or the clock is
// set back: such an id is the one before plus a random step.
class UuidSequence {
 public:
  Uuid next(uint64_t unix_ms, std::span<const uint8_t, 10> random);

 private:
  std::mutex mutex_;
  Uuid last_;
};

}  // namespace holdfast
