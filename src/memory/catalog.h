// Catalog: the tree of spaces, and the u32 id by which keys name one.
//
// Each segment is a node under its parent's id (0 for the top), so a path is found by one get for
// each segment, two paths never share a node unless their first segments are equal byte by byte,
// and no key grows with the depth. A node that was only made as the parent of another is not a
// space.
//
// Who: memory/ only. Thread-safety: that of the given source.
// Invariants:
//   1. An id is given once and never returns. Which path it has may change, and so does the epoch
//      then, in the same commit: an id may be cached, once the commit that made it is durable, for
//      as long as the epoch is the same.
//   2. Nodes are made in the transaction of the first write to the space.
//   3. A node that is no space has one below it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "holdfast/space.h"
#include "search/keyspace.h"

namespace holdfast::memory {

// Errors: InvalidArgument, saying what is wrong with which segment.
Status check_segments(const SpaceSegments& segments);

// How often a path has come to mean another space, or none. Remembered by a transaction, which then
// conflicts with such a change.
Result<uint64_t> catalog_epoch(search::KeySource& source);

// The id of a space; nullopt when it does not exist.
Result<std::optional<uint32_t>> find_space(search::KeySource& source,
                                           const SpaceSegments& segments);

// The id of a space, which is made if it does not exist. Errors: TooLarge (2^32 - 1 spaces).
Result<uint32_t> ensure_space(search::KeyTarget& target, const SpaceSegments& segments);

// A node of the catalog, with all that is below it.
struct SpaceNode {
  uint32_t id = 0;
  bool is_space = false;
};
// Errors: NotFound (nothing is there).
Result<SpaceNode> require_node(search::KeySource& source, const SpaceSegments& segments);
// Takes a node out of the tree; parents that were made only for it go, too.
// Errors: NotFound.
Result<SpaceNode> detach_node(search::KeyTarget& target, const SpaceSegments& segments);
// Puts one into the tree. Errors: ConditionFalse (something is there).
Status attach_node(search::KeyTarget& target, const SpaceSegments& segments, const SpaceNode& node);
// Whether there is a space below a node.
Result<bool> has_children(search::KeySource& source, uint32_t id);
// The ids of a node and of all that is below it, nodes that are no spaces included.
Result<std::vector<uint32_t>> subtree_ids(search::KeySource& source, uint32_t id);
// How many segments the deepest of them has below the node; 0: there are none.
Result<size_t> subtree_depth(search::KeySource& source, uint32_t id);
// All catalog keys of the children of a node.
KeyRange children_range(uint32_t id);

// The space at a path, if there is one, and all below it, in order of segments.
// Errors: TooLarge (over kSpaceTreeMax of them).
using VisitSpace = std::function<Status(uint32_t id, const SpaceSegments& segments)>;
Status for_each_space(search::KeySource& source, const SpaceSegments& top, const VisitSpace& visit);

// Spaces below a path, in order of segments, at most `limit`.
Result<std::vector<SpaceSegments>> list_spaces_below(search::KeySource& source,
                                                     const SpaceSegments& below, size_t limit);

}  // namespace holdfast::memory
