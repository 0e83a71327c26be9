// Batch: what a stretch of the log does to the tree, folded to its net effect: the ranges of keys
// that go, and at most one operation per key.
//
// Who: apply.h, void_tail.h. Single-threaded.
// Invariants:
//   1. The effect is that of the stretch's operations one by one, in the order of the log.
//   2. Each key's old value is read from the tree at most once, and only where a number that the
//      stretch does not write as a whole was changed blindly.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "log/reader.h"
#include "log/record.h"
#include "store/change.h"
#include "store/context.h"
#include "store/erasures.h"
#include "tree/arena.h"
#include "tree/erase_range.h"
#include "tree/tree.h"

namespace holdfast::store {

class Batch {
 public:
  // Bounds one batch, so that its memory and its redo record are bounded.
  static constexpr uint64_t kBytesMax = 64u << 20;

  // Reads records from `base` on until the version is `target` or the batch holds `bytes_max`.
  // Errors: Corruption (the log is not what the tail says), Unsupported (operations of a newer
  // Holdfast), Os's.
  static Result<Batch> read(const Context& context, const log::Position& base, uint64_t target,
                            log::Lsn limit, log::Trust trust, uint64_t bytes_max = kBytesMax);

  const log::Position& end() const { return end_; }
  uint64_t pages_needed() const { return pages_needed_; }

  // Ranges to be deleted before operations() are applied; ascending, disjoint.
  const std::vector<tree::KeyRange>& erased() const { return erased_; }
  // Completes operations(), with what the tree of `root` says: the values that numbers had, and the
  // keys that are left in erased() and must be deleted one by one. `root`: as of the batch's begin,
  // with or without the pages that erased() covers. Errors: Corruption.
  Status resolve(const tree::PageSource& pages, const tree::Root& root);
  // In key order, one for each key. REQUIRES: resolve().
  const std::vector<tree::Operation>& operations() const { return operations_; }

 private:
  Status take(const Context& context, const log::Record& record);
  Status fold(std::span<const Change> changes, const tree::PageSource& pages,
              const tree::Root& root);
  Status delete_left_over(const tree::PageSource& pages, const tree::Root& root);

  std::vector<Change> changes_;
  Erasures erasures_;
  std::vector<tree::KeyRange> erased_;
  std::vector<tree::Operation> operations_;
  std::deque<os::LargeBytes> bytes_;  // of the log: keys and values point into them
  tree::Arena values_;                // values that were computed
  tree::Arena left_over_;             // keys found in the tree
  log::Position end_;
  uint64_t pages_needed_ = 0;
  uint64_t operation_count_ = 0;
};

}  // namespace holdfast::store
