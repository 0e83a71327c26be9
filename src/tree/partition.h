// Dividing the entries of a page that may have become too full into pages.
//
// Who: tree/ only (apply). Thread-safety: pure functions.
// Invariants:
//   1. The number of pages is that of the greedy division, the smallest possible;
//      pages_needed_max() rests on this.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tree/page_builder.h"

namespace holdfast::tree {

enum class Fill : uint8_t {
  kEven,    // about the same number of bytes in each page
  kAppend,  // keys arrive in order: all pages but the last are full
};

// The end index of each page, in order. REQUIRES: at least one entry.
std::vector<uint32_t> partition(std::span<const LeafEntry> entries, Fill fill, uint32_t page_size);
std::vector<uint32_t> partition(std::span<const ChildEntry> children, Fill fill,
                                uint32_t page_size);

}  // namespace holdfast::tree
