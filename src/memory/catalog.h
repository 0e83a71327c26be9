// Catalog: the tree of spaces, and the u32 id by which keys name one.
//
// Each segment is a node under its parent's id (0 for the top), so a path is found by one get for
// each segment, two paths never share a node unless their first segments are equal byte by byte,
// and no key grows with the depth. A node that was only made as the parent of another is not a
// space.
//
// Who: memory/ only. Thread-safety: that of the given source.
// Invariants:
//   1. An id is given once and never changes or returns: it may be cached as soon as the commit
//   that
//      made it is durable.
//   2. Nodes are made in the transaction of the first write to the space.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "holdfast/space.h"
#include "search/keyspace.h"

namespace holdfast::memory {

// Errors: InvalidArgument, saying what is wrong with which segment.
Status check_segments(const SpaceSegments& segments);

// The id of a space; nullopt when it does not exist.
Result<std::optional<uint32_t>> find_space(search::KeySource& source,
                                           const SpaceSegments& segments);

// The id of a space, which is made if it does not exist. Errors: TooLarge (2^32 - 1 spaces).
Result<uint32_t> ensure_space(search::KeyTarget& target, const SpaceSegments& segments);

// Spaces below a path, in order of segments, at most `limit`.
Result<std::vector<SpaceSegments>> list_spaces_below(search::KeySource& source,
                                                     const SpaceSegments& below, size_t limit);

}  // namespace holdfast::memory
