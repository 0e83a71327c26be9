// How many pages an apply() can need at most. Let k operations touch a leaf, T(l) be the number of
// touched pages at level l (leaves: 0).
//
// One more entry makes a greedy division at most one page longer: in the middle of a page it shares
// that page's prefix and fits the half before or behind it, at an end it gets a page of its own.
//
// Leaves. The old entries fit one page, so k operations give at most k + 1 pages, and the division
// of partition.h uses the fewest possible (plus one eighth when appending). By bytes: keys between
// two old ones share the old prefix and cost no more than they did; two neighbouring pages together
// hold more than 3/4 page - header of entries. So a leaf with b new bytes gives at most
// 2 * (page + b) / (3/4 page - header) + 3 pages. The first is small for few operations, the second
// for many per leaf. A touched leaf that shrank to one page makes at most two with a sibling, and
// one separator new. So the leaves need at most two pages per operation, and add or change at most
// one entry above.
//
// Branches. The same again: a touched branch with e entries new or longer gives at most e + 1
// pages, or two with a sibling, and adds or changes at most e above: two pages per operation. By
// the pages below: any three branch cells fit a page, so a touched branch with a new entries in g
// groups gives at most 1 + 5/3 g + 1/3 a pages, and one sibling; g is at most the touched children,
// a at most the new pages below.
#include "base/check.h"
#include "tree/page.h"

namespace holdfast::tree {
namespace {

uint64_t with_append_slack(uint64_t pages) {
  return pages + pages / 8;
}

// Pages at `level` that the operations can touch in a tree of `height`.
uint64_t touched_max(uint64_t operations, uint32_t height, uint32_t level, uint32_t page_size) {
  const uint64_t fan_out = (page_size - sizeof(PageHeader)) / (sizeof(Slot) + sizeof(ChildCell));
  uint64_t pages = 1;
  for (uint32_t above = level + 1; above < height && pages < operations; ++above) pages *= fan_out;
  return std::min(pages, operations);
}

uint64_t overflow_pages_max(uint64_t operations, uint64_t bytes, uint32_t page_size) {
  // A value outside its leaf comes with more than a quarter page of key and value.
  const uint64_t runs = std::min(operations, bytes / (page_size / 4));
  return runs == 0 ? 0 : bytes / page_size + runs;
}

}  // namespace

uint64_t pages_needed_max(uint64_t operations, uint64_t bytes, uint32_t height,
                          uint32_t page_size_bytes) {
  CHECK(page_size_bytes >= kPageSizeMin && page_size_bytes <= kPageSizeMax);
  if (operations == 0) return 0;
  const uint32_t page = page_size_bytes;
  const uint64_t per_level_max = 2 * operations;
  const uint64_t new_bytes = bytes + operations * (sizeof(Slot) + kOverflowBodySize);
  uint64_t touched = touched_max(operations, height, 0, page);
  const uint64_t pair = page - page / 4 - sizeof(PageHeader);
  uint64_t level_pages =
      with_append_slack(touched * (2 * page / pair + 4) + 2 * new_bytes / pair + 1) + touched;
  level_pages = std::min(level_pages, per_level_max);
  uint64_t total = overflow_pages_max(operations, bytes, page) + level_pages;
  for (uint32_t level = 1; level < height; ++level) {
    const uint64_t touched_here = touched_max(operations, height, level, page);
    const uint64_t divided = touched_here + 2 * touched + (level_pages + 2) / 3;
    level_pages = std::min(with_append_slack(divided) + touched_here, per_level_max);
    touched = touched_here;
    total += level_pages;
  }
  while (level_pages > 1) {  // new levels above the old root, at least three children each
    level_pages = with_append_slack((level_pages + 2) / 3);
    total += level_pages;
  }
  return total;
}

}  // namespace holdfast::tree
