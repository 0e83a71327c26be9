// How an observation fares: the counts by which it is reinforced, and what they make of it.
//
// | key                       | value                                                         |
// |---------------------------|---------------------------------------------------------------|
// | 08 80 space id:16 what:u8 | number: of accesses 'a', confirmations 'c', contradictions 'x'; |
// |                           | 't': microseconds since 1970, of the last that renewed it     |
//
// Who: memory/ only. Thread-safety: that of the given source.
// Invariant: the numbers are only ever added to and raised, so reinforcing never conflicts with
//   itself; they go with their observation.
#pragma once

#include "memory/observation_store.h"

namespace holdfast::memory {

// Of a stored observation. Peeks: a transaction does not conflict with whoever reinforces what it
// has ranked.
Result<Strength> read_strength(search::KeySource& source, uint32_t space_id, const Uuid& id,
                               const Observation& observation, int64_t now_us);
// REQUIRES: the caller's transaction has read the row of each.
Status write_reinforcement(search::KeyTarget& target, uint32_t space_id, const Uuid& id,
                           Reinforcement reinforcement, int64_t now_us);
// `to` is reinforced by all that `from` was.
Status inherit_strength(search::KeyTarget& target, uint32_t space_id, const Uuid& from,
                        const Uuid& to);
Status erase_strength(search::KeyTarget& target, uint32_t space_id, const Uuid& id);

}  // namespace holdfast::memory
