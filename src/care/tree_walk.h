// TreeWalk: goes through the pages of a tree, parents first, in key order, past damage. Pages are
// read, not mapped: a disk that cannot give one costs that page, not the process.
//
// Who: care/ only (dump, salvage). One thread at a time. Reads only.
// Invariants:
//   1. A page is shown as sound only if it matches the checksum that its parent holds, its
//      structure stays inside it, and it stands at the level that its parent expects.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "care/store_files.h"
#include "tree/page.h"

namespace holdfast::care {

// Keys from `lower` on, below `upper`; no upper: to the last key.
struct KeySpan {
  std::string lower;
  std::optional<std::string> upper;

  bool empty() const { return upper && *upper <= lower; }
  bool contains(std::string_view key) const { return key >= lower && (!upper || key < *upper); }
  // What both have; empty() when nothing.
  KeySpan intersection(const KeySpan& other) const;
};
// "[a, b)" with keys as key_text; "" and "end" where there is no bound.
std::string span_text(const KeySpan& span);

// A page read from the file and judged.
struct LoadedPage {
  std::string bytes;
  uint32_t crc = 0;
  std::string problem;  // empty: sound
};
// Without `ref` only the structure is judged. `level`: what the parent expects.
LoadedPage load_page(StoreFiles& files, uint32_t pgno, const tree::PageRef* ref,
                     std::optional<uint32_t> level);

struct PageView {
  uint32_t pgno = 0;
  uint32_t parent = 0;  // 0: the root
  uint32_t level = 0;
  uint32_t crc_expected = 0;
  const KeySpan& span;
  const LoadedPage& loaded;
  std::optional<tree::Page> page;  // when it is sound
};

// Whether to descend below the page; false for leaves has no effect. Errors end the walk.
using PageVisit = std::function<Result<bool>(const PageView&)>;

// `within`: subtrees that hold no key of it are not entered.
Status walk_tree(StoreFiles& files, const tree::Root& root, const KeySpan& within,
                 const PageVisit& visit);

// The keys of a leaf, and the separators of a branch, whole; cell 0 of a branch is empty.
std::string key_of(const tree::Page& page, uint32_t index);

// The bytes of a value, or what is wrong with the run that should hold them.
struct LoadedValue {
  std::string bytes;
  std::string problem;
};
LoadedValue load_value(StoreFiles& files, const tree::FoundValue& value);

}  // namespace holdfast::care
