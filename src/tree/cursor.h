// Cursor: the keys of a tree in order.
//
// Who: store/ only. Not thread-safe; many cursors may read one tree at once. The tree's pages must
// stay (a pinned snapshot) while the cursor is used.
// Invariants:
//   1. valid() cursors stand on a key. Moving past either end, or an error, makes it invalid;
//      status() tells which. Every seek starts afresh.
//   2. key() is valid until the cursor moves; value() is a view into the mapping.
//   3. With an end set, the leaf's count is that of its cells below the end, and `cut_` says that
//      there are others.
//   4. A page that has become another (PageSource, invariant 1) is left before the cursor moves on:
//      what it stands on is sought anew, or the cursor ends with an error.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"
#include "holdfast/status.h"
#include "tree/page.h"
#include "tree/page_source.h"
#include "tree/tree.h"

namespace holdfast::tree {

class Cursor {
 public:
  Cursor(const PageSource& source, const Root& root) : source_(&source), root_(root) {}

  // Forward moves stop before `end`; empty: at the last key. For cursors that do not go back, set
  // before the first seek.
  void set_end(std::string_view end) { end_ = end; }

  void seek_first();
  void seek_last();
  void seek(std::string_view key);         // the first key that is not below `key`
  void seek_before(std::string_view key);  // the last key below `key`
  void next() {                            // REQUIRES: valid()
    CHECK(valid_);
    if (has_changed(0)) [[unlikely]]
      return next_anew();
    if (path_[0].index == ahead_at_) look_ahead();
    if (++path_[0].index < path_[0].count) [[likely]] {
      settle();
    } else {
      climb_next();
    }
  }
  void prev();  // REQUIRES: valid()

  bool valid() const { return valid_; }
  const Status& status() const { return status_; }
  std::string_view key() const {  // REQUIRES: valid()
    CHECK(valid_);
    return {key_.data(), key_size_};
  }
  // The value, if it lies in the leaf. REQUIRES: valid()
  bool inline_value(std::string_view* value) const {
    CHECK(valid_);
    const std::string_view body = leaf_page().body(path_[0].index);
    if (body[0] != kBodyInline) return false;
    *value = body.substr(static_cast<uint8_t>(body[1]) < 0x80 ? 2 : 3);
    return true;
  }
  FoundValue found() const {  // REQUIRES: valid()
    CHECK(valid_);
    return leaf_page().value(path_[0].index);
  }
  Result<std::string_view> value() const { return value_bytes(*source_, found()); }

 private:
  struct Step {
    const char* page;
    uint64_t birth;
    uint32_t pgno;
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
  // Whether the page of a step has become another since it was loaded.
  bool has_changed(uint32_t level) const {
    return Page(path_[level].page, source_->page_size_bytes()).birth_version() !=
           path_[level].birth;
  }
  bool refuse_changed(uint32_t level);
  // The moves, by way of seeking the key again.
  void next_anew();
  void prev_anew();
  // After a forward move to another leaf: stands on its first key, or at the end.
  void settle_forward();
  // Begins to fetch what moving on will read: where a seek ended, the rest of the leaf; on a leaf's
  // first cell the slots of the next leaf; on its middle, when they have come, the cells of that.
  void look_ahead();
  void look_ahead_to_leaf();
  void prefetch_cells(const Page& page, uint32_t begin) const;
  // Puts the key together.
  void settle() {
    valid_ = true;
    const Page page = leaf_page();
    const std::string_view suffix = page.suffix(path_[0].index);
    const uint32_t prefix_size = page.prefix_size();
    if (key_page_ != path_[0].page) {
      page.prefix().copy(key_.data(), prefix_size);
      key_page_ = path_[0].page;
    }
    std::memcpy(key_.data() + prefix_size, suffix.data(), suffix.size());
    key_size_ = prefix_size + static_cast<uint32_t>(suffix.size());
  }
  Page leaf_page() const { return {path_[0].page, source_->page_size_bytes()}; }
  Step& leaf() { return path_[0]; }

  const PageSource* source_;
  Root root_;
  std::array<Step, kHeightMax> path_;                 // by level, the leaf first
  std::array<char, key_size_max(kPageSizeMax)> key_;  // not initialised: the first key_size_ count
  uint32_t key_size_ = 0;
  const char* key_page_ = nullptr;  // the page whose prefix key_ begins with
  std::string end_;
  Status status_;
  bool valid_ = false;
  bool cut_ = false;
  uint32_t ahead_at_ = 0;            // the index at which to look ahead
  const char* next_leaf_ = nullptr;  // what follows the leaf, on the middle of it; not verified yet
};

}  // namespace holdfast::tree
