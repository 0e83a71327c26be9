// The index of observations by label: run, session, kind, tags, the tier unless it is hot, and the
// scalar members of metadata.
//
// Under each label, by its hash, stand the ids of those that have it, newest first; whoever reads
// an entry compares the row with what was asked, so that two labels with one hash do no harm.
//
// Who: memory/ only. Thread-safety: that of the given target.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "holdfast/observation.h"
#include "search/keyspace.h"

namespace holdfast::memory {

// Keys that point to the observation. Sorted.
std::vector<std::string> index_keys(uint32_t space_id, const Uuid& id,
                                    const Observation& observation);
// The one of them that says the tier; nullopt: what is hot has none.
std::optional<std::string> tier_key(uint32_t space_id, const Uuid& id, Tier tier);
// Where those stand that have the rarest of the labels asked for, as far as names tell; nullopt: no
// label with an index is asked for.
std::optional<std::string> index_prefix(uint32_t space_id, const ObservationListOptions& options);
Uuid id_of_index(std::string_view key);
// Of a key of kind kId.
Uuid id_of_key(std::string_view key);

// Whether it is what `options` ask for; of all but limit, order and `after`.
bool passes(const Observation& observation, const ObservationListOptions& options);
// Whether it holds at that time.
bool holds_at(const NewObservation& observation, int64_t at_us);

}  // namespace holdfast::memory
