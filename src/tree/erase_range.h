// Deleting ranges of keys by leaving out whole pages: those that lie inside are looked at once, for
// their age, and dropped; only the branches along the edges are made anew. Keys of leaves that a
// range covers in part stay: apply() deletes them.
//
// Who: store/ only. Thread-safety and invariants: as apply(), tree.h.
#pragma once

#include <span>
#include <string_view>

#include "tree/tree.h"

namespace holdfast::tree {

// Keys in [begin, end); an empty end: to the last key.
struct KeyRange {
  std::string_view begin;
  std::string_view end;
};

// The tree without the pages that lie inside of `ranges` (ascending, disjoint, none empty). Takes
// at most two pages a level for each range. Errors: as apply().
Result<ApplyResult> erase_pages(const PageSource& source, const Root& root,
                                std::span<const KeyRange> ranges, uint64_t version,
                                PageAllocator& allocator);

}  // namespace holdfast::tree
