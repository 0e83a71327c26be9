// Observation rows: how an observation is stored under the keys of keys.h.
//
// Who: memory/ only. Thread-safety: pure functions.
// Form of a row: u8 format, varint flags (which optional fields follow), varint created_us, then in
//   this order what is present: title, source, kind, session, run, key, metadata (strings: varint
//   size, bytes), confidence (f64), happened_us (varint, zigzag), tags (varint count, strings),
//   content (string; nothing when it stands under a key of its own), what came later (string:
//   fields of fields.h).
// Invariant: encode and decode are inverses; decode refuses what is truncated, has bytes left over,
//   or has a format or flag it does not know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "holdfast/observation.h"
#include "memory/access.h"

namespace holdfast::memory {

// Longer content stands under a key of its own, so that a row with all fields at their limits stays
// below 1 MiB and a listing that skips rows does not read it.
constexpr size_t kInlineContentSizeMax = 256u << 10;

// Errors: InvalidArgument, TooLarge; see Observations::add.
Status check_observation(const NewObservation& observation);
// Errors: InvalidArgument: there is no such language.
Status check_language(const std::optional<std::string>& language);

// REQUIRES: check_observation(observation).
std::string encode_row(const NewObservation& observation, int64_t created_us);
// Of one whose content is, or is not, elsewhere. REQUIRES: ids of it are ids.
std::string encode_row(const Observation& observation, bool has_long_content);

struct DecodedRow {
  Observation observation;        // without embedding
  bool has_long_content = false;  // content stands elsewhere: if it is cold, compressed
};

// Errors: Corruption, naming the id.
Result<DecodedRow> decode_row(const Uuid& id, std::string_view bytes);

}  // namespace holdfast::memory
