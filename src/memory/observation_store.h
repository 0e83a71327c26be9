// Reading and writing the keys of one observation, and naming it; shared by observations and
// recall.
//
// Who: memory/ only. Thread-safety: that of the given source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"
#include "memory/access.h"
#include "memory/observation_row.h"
#include "search/analysis.h"
#include "search/keyspace.h"

namespace holdfast::memory {

// Everything that an observation writes, computed before its transaction begins: analysing text
// takes longer than committing it.
struct PreparedObservation {
  Uuid id;
  std::optional<std::string> key;
  std::string row;
  std::string text_record;
  std::string long_content;  // empty: in the row
  std::string embedding;     // empty: none
};

// REQUIRES: check_observation(observation).
PreparedObservation prepare_observation(search::Analyzer& analyzer,
                                        const NewObservation& observation, const Stamp& stamp);
Status write_observation(search::KeyTarget& target, uint32_t space_id,
                         const PreparedObservation& prepared);
// False when there is none of that id.
Result<bool> erase_observation(search::KeyTarget& target, uint32_t space_id, const Uuid& id);

// The id of the observation that was added with `key`.
Result<std::optional<Uuid>> find_key(search::KeySource& source, uint32_t space_id,
                                     std::string_view key);

// nullopt when there is none of that id. With its content; without its embedding, unless asked for.
Result<std::optional<Observation>> read_observation(search::KeySource& source, uint32_t space_id,
                                                    const Uuid& id, bool with_embedding);
// Reads the content that a row leaves out. Errors: Corruption when it is missing.
Status complete_content(search::KeySource& source, uint32_t space_id, const Uuid& id,
                        DecodedRow& row);

// Ids between two: what a prefix in text names, or a span of time covers.
struct IdSpan {
  Uuid first;
  Uuid last;  // inclusive
};

// Errors: InvalidArgument (not hexadecimal, fewer than 8 or more than 32 digits).
Result<IdSpan> parse_id_prefix(std::string_view text);
// The id that `text`, an id or a unique prefix, names. Errors: as Observations::get.
Result<Uuid> resolve_id(search::KeySource& source, uint32_t space_id, std::string_view text,
                        std::string_view space_path);
Status no_such_observation(std::string_view text, std::string_view space_path);

// Ids of all observations with created_us in [since_us, until_us), and some of the same
// milliseconds; nullopt when there can be none.
std::optional<IdSpan> ids_between(std::optional<int64_t> since_us, std::optional<int64_t> until_us);

inline bool is_between(int64_t created_us, std::optional<int64_t> since_us,
                       std::optional<int64_t> until_us) {
  return (!since_us || created_us >= *since_us) && (!until_us || created_us < *until_us);
}

// The facet (search/text_record.h) of a field with a value.
inline std::string facet(std::string_view field, std::string_view value) {
  return std::string(field).append("=").append(value);
}

}  // namespace holdfast::memory
