// Cursor: the keys of a tree in order.
//
// Who: store/ only. Not thread-safe; many cursors may read one tree at once. The tree's pages must
// stay (a pinned snapshot) while the cursor is used.
// Invariants:
//   1. valid() cursors stand on a key. Moving past either end, or an error, makes it invalid;
//      status() tells which. Every seek starts afresh.
//   2. key() is valid until the cursor moves; value() is a view into the mapping.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "holdfast/status.h"
#include "tree/page_source.h"
#include "tree/tree.h"

namespace holdfast::tree {

class Cursor {
 public:
  Cursor(const PageSource& source, const Root& root) : source_(&source), root_(root) {}

  void seek_first();
  void seek_last();
  void seek(std::string_view key);         // the first key that is not below `key`
  void seek_before(std::string_view key);  // the last key below `key`
  void next();                             // REQUIRES: valid()
  void prev();                             // REQUIRES: valid()

  bool valid() const { return valid_; }
  const Status& status() const { return status_; }
  std::string_view key() const;            // REQUIRES: valid()
  FoundValue found() const;                // REQUIRES: valid()
  Result<std::string_view> value() const;  // REQUIRES: valid()

 private:
  struct Step {
    const char* page;
    uint32_t index;
    uint32_t count;
  };
  enum class End : uint8_t { kFirst, kLast };

  bool start();
  // Loads the child the step at `level` stands on.
  bool load(const PageRef& ref, uint32_t level);
  // From the step at `level` down to a leaf, along the given edge.
  bool descend(uint32_t level, End end);
  // To a leaf, along `key`; leaves the index at the lower bound, which may be past the last cell.
  bool descend_to(std::string_view key);
  void climb_next();
  void climb_prev();
  void settle();  // puts the key together
  Step& leaf() { return path_[0]; }

  const PageSource* source_;
  Root root_;
  std::array<Step, kHeightMax> path_;  // by level, the leaf first
  std::string key_;
  const char* key_page_ = nullptr;  // the page whose prefix key_ begins with
  Status status_;
  bool valid_ = false;
};

}  // namespace holdfast::tree
