// Diff: the keys in which two trees differ, in order. Trees that descend from each other share the
// pages that did not change; a shared page is never read, so the cost is that of the change, not of
// the trees.
//
// Who: store/ only. Not thread-safe. Both trees' pages must stay (pinned snapshots of one data
// file) while the diff is used. Memory: one path in each tree.
// Invariants:
//   1. Everything before the two positions has been compared; a position is an entry, or a subtree
//      that has not been read.
//   2. Two positions at the same page (same number and checksum, both pinned) go on with the same
//      entries and are passed over together, whatever their parents say of their bounds.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/status.h"
#include "tree/page_source.h"
#include "tree/tree.h"

namespace holdfast::tree {

// A position in one of the two trees.
class DiffSide {
 public:
  // Keys in [begin, end); an empty end means to the last key. The views outlive the side.
  DiffSide(const PageSource& source, const Root& root, std::string_view begin,
           std::string_view end);

  bool done() const { return done_; }
  // 0: at an entry; else at a subtree, by the level of the page that refers to it.
  uint32_t level() const { return level_; }
  const Status& status() const { return status_; }
  uint64_t pages_read() const { return pages_read_; }

  PageRef subtree() const;                        // REQUIRES: level() > 0
  void append_key(std::string& out) const;        // REQUIRES: level() == 0
  int compare_entry(std::string_view key) const;  // sign of (entry's key - key)
  FoundValue value() const;                       // REQUIRES: level() == 0
  bool starts_above(std::string_view key) const;  // a subtree: all its keys are above `key`
  bool ends_before(const DiffSide& other) const;  // a subtree: all its keys are below the other's
  void descend();                                 // into a subtree
  void advance();                                 // past the entry or subtree
  // Ends with an error if a page that it goes on with has become another.
  void check_pages();

 private:
  struct Step {
    const char* page;
    uint32_t pgno;
    uint64_t birth;
    uint32_t index;
    uint32_t count;
  };

  bool lower_fence(std::string* out) const;  // false: there is none
  bool upper_fence(std::string* out) const;
  void stop_at_end();
  void fail(Status status);

  const PageSource& source_;
  const Root root_;
  const std::string_view begin_;
  const std::string_view end_;
  std::array<Step, kHeightMax> path_{};  // by level; valid from level_ up
  uint32_t level_;                       // root_.height: at the root itself
  bool done_ = false;
  uint64_t pages_read_ = 0;
  Status status_;
};

class DiffCursor {
 public:
  // Stands at the first difference. Errors show in status().
  DiffCursor(const PageSource& source, const Root& before, const Root& after,
             std::string_view begin, std::string_view end);
  DiffCursor(const DiffCursor&) = delete;
  DiffCursor& operator=(const DiffCursor&) = delete;

  // False behind the last difference and after an error; status() tells which.
  bool valid() const { return valid_; }
  void next();                                   // REQUIRES: valid()
  std::string_view key() const { return key_; }  // REQUIRES: valid(); until next()
  // The values; nullopt where the key does not exist. At least one is there.
  const std::optional<FoundValue>& before() const { return before_; }
  const std::optional<FoundValue>& after() const { return after_; }
  const Status& status() const { return status_; }
  // Pages of both trees looked into so far.
  uint64_t pages_read() const { return old_.pages_read() + new_.pages_read(); }

 private:
  // Compares at the positions; true when they stand at a difference.
  bool compare();
  bool compare_entries();
  bool compare_subtrees();
  bool report(bool in_old, bool in_new);
  bool same_value();

  const PageSource& source_;
  const std::string begin_;
  const std::string end_;
  DiffSide old_;
  DiffSide new_;
  std::string key_;
  std::optional<FoundValue> before_;
  std::optional<FoundValue> after_;
  bool valid_ = false;
  Status status_;
};

}  // namespace holdfast::tree
