// The meter of a space: what it holds, by counters that never conflict, and what it may hold.
//
// | key                  | value                                                              |
// |----------------------|--------------------------------------------------------------------|
// | 08 81 space          | limits, fields: 1 observations, 2 their bytes, 3 values, 4 their bytes |
// | 08 82 space figure:u8 | number: observations 'o', their bytes 'b', values 'v', their bytes 'w'
// |
//
// Who: memory/ only. Thread-safety: that of the given source.
// Invariants:
//   1. Observations are counted in every space. Values are counted in those with a limit of values:
//      only there a put reads what it replaces.
//   2. A figure changes in the commit that changes what it counts.
#pragma once

#include <cstdint>
#include <string_view>

#include "holdfast/observation.h"
#include "holdfast/spaces.h"
#include "search/keyspace.h"

namespace holdfast::memory {

enum class Figure : char {
  kObservations = 'o',
  kObservationBytes = 'b',
  kValues = 'v',
  kValueBytes = 'w',
};

// Remembered: a transaction that relies on the limits conflicts with a change of them.
Result<SpaceLimits> read_limits(search::KeySource& source, uint32_t space_id);
Status write_limits(search::KeyTarget& target, uint32_t space_id, const SpaceLimits& limits);
inline bool counts_values(const SpaceLimits& limits) {
  return limits.values > 0 || limits.value_bytes > 0;
}

// Nothing is written for 0.
Status charge(search::KeyTarget& target, uint32_t space_id, Figure figure, int64_t delta);
Result<uint64_t> read_figure(search::KeySource& source, uint32_t space_id, Figure figure);
// Counts all anew by reading it.
Status recount(search::KeyTarget& target, uint32_t space_id, const SpaceLimits& limits);

// Whether so many, and so many bytes, may be added. The figures are only peeked at while the space
// has ample room, so adding does not conflict then; towards the limit they are read. Errors:
// NoSpace.
Status check_observation_room(search::KeySource& source, uint32_t space_id, int64_t count,
                              int64_t bytes, std::string_view space_path);
Status check_value_room(search::KeySource& source, uint32_t space_id, const SpaceLimits& limits,
                        int64_t count, int64_t bytes, std::string_view space_path);

// What an observation is charged for.
inline int64_t charged_bytes(const NewObservation& observation) {
  const size_t bytes = observation.content.size() + observation.title.value_or("").size() +
                       observation.metadata.value_or("").size();
  return static_cast<int64_t>(bytes);
}

}  // namespace holdfast::memory
