// How many pages an apply() can need at most. `room` is a page less its header.
//
// Partitions are greedy, and any stretch of entries that fit a page fits one, so they use the
// fewest pages possible. Where entries fit a page, inserting one more needs at most two: at an edge
// it gets a page of its own. Between the entries L and R it leaves their shared prefix p, and its
// cost without p is at most room/2 - p (is_inline(); any two leaf cells and any three branch cells
// fit); fitted it neither with L nor with R, L and R were each over room/2 and no page could have
// held them. So a touched page with k operations below it becomes at most 1 + k pages and adds at
// most k entries to its parent; a separator that a merge changed counts as added. A page that
// shrank may rewrite one sibling: it was one page then, so two are within 1 + k too.
//
// That is tight for few operations per page. For many, divide the page's entries into what lies
// before the old ones, between them and behind. Between them all share the prefix p <= page/4:
//   - A leaf with b new bytes: two neighbouring pages hold more than room, so at most 1 + 2b/room
//     pages before and behind together with one more, and 3 + 2b/(room - p) between.
//   - A branch with a added cells, each at most room/3: a page that was closed holds over 2/3
//     room, so there are less than 2.5 + a/2 between, and a third of the cells, rounded up, before
//     and behind: at most 5 + a/2.
#include "base/check.h"
#include "tree/page.h"

namespace holdfast::tree {
namespace {

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
  // A reference to an overflow run is smaller than the value it stands for.
  const uint64_t new_bytes = bytes + operations * (sizeof(Slot) + inline_body_size(0x80) - 0x80);
  const uint64_t between = page - page / 4 - sizeof(PageHeader);
  const uint64_t touched_leaves = touched_max(operations, height, 0, page);
  uint64_t level_pages =
      std::min(touched_leaves + operations, 5 * touched_leaves + 2 * new_bytes / between);
  uint64_t total = overflow_pages_max(operations, bytes, page) + level_pages;
  for (uint32_t level = 1; level < height; ++level) {
    const uint64_t touched = touched_max(operations, height, level, page);
    const uint64_t added = std::min(operations, level_pages);
    level_pages = std::min(touched + operations, 5 * touched + added / 2);
    total += level_pages;
  }
  while (level_pages > 1) {  // new levels above the old root, at least three children each
    level_pages = (level_pages + 2) / 3;
    total += level_pages;
  }
  return total;
}

}  // namespace holdfast::tree
