// Tiers of observations: their counts, and the contents of the cold ones.
//
// | key                  | value                                                              |
// |----------------------|--------------------------------------------------------------------|
// | 08 83 space what:u8  | number: warm 'w', cold 'c', bytes of cold contents 'b', stored 's' |
// | 08 84 space id:16    | content of a cold one: u8 dictionary, or 0, then a zstd frame      |
// | 08 85 space          | dictionary 1: the bytes that zstd has trained                      |
// | 08 86 space          | id:16 of the last one that was looked at                           |
//
// Who: memory/ only. Thread-safety: that of the given source.
// Invariants:
//   1. A row says that it is cold if and only if its content stands here, and nowhere else.
//   2. The dictionary stays as long as there is a cold content, as every frame needs it, and goes
//      with the first step behind the last one, as it is made of pieces of contents.
#pragma once

#include "memory/observation_store.h"

namespace holdfast::memory {

// The content of a cold observation; as a hint where `peeks`. Errors: Corruption.
Result<std::string> read_cold(search::KeySource& source, uint32_t space_id, const Uuid& id,
                              bool peeks);
// Bytes of the content in a value of 08 84. Errors: Corruption.
Result<uint64_t> cold_size(const Uuid& id, std::string_view value);

// The observation of this row is changed or removed: its tier does not count it any more, and its
// cold content goes. The caller puts the content elsewhere, if it stays.
Status leave_tier(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                  const DecodedRow& row);

}  // namespace holdfast::memory
