// Apply: brings the tree up with the log. Takes every record behind the published root, sorts
// their operations by key, writes them into the tree in one copy-on-write pass and publishes the
// new root. The log is the truth; applying is deterministic and can be repeated by anybody.
//
// Who: the holder of APPLY, and a cold start.
// Invariants:
//   1. A root stands at a commit boundary and covers every commit up to its version.
//   2. Pages are written before the root that references them is published.
//   3. `durable` is the newest root whose version is synced.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "log/reader.h"
#include "store/context.h"
#include "store/intent.h"
#include "store/published.h"

namespace holdfast::store {

// Operations of a stretch of the log, in key order, the last one of each key.
class Batch {
 public:
  // Bounds one batch, so that its memory and its redo record are bounded.
  static constexpr uint64_t kBytesMax = 8u << 20;

  // Reads records from `base` on until the version is `target` or the batch holds `bytes_max`.
  // Errors: Corruption (the log is not what the tail says), Os's.
  static Result<Batch> read(const Context& context, const log::Position& base, uint64_t target,
                            log::Lsn limit, log::Trust trust, uint64_t bytes_max = kBytesMax);

  const std::vector<tree::Operation>& operations() const { return operations_; }
  const log::Position& end() const { return end_; }
  uint64_t pages_needed() const { return pages_needed_; }

 private:
  void sort();
  std::vector<tree::Operation> operations_;
  std::deque<std::string> payloads_;  // what the operations point into
  log::Position end_;
  uint64_t pages_needed_ = 0;
};

// Applies `operations` to `root` as of `version` and writes the new pages; `plan` gets everything
// but the root's log position. Errors: NoSpace, IoError, Corruption; nothing is published then.
Status write_tree(const Context& context, const tree::Root& root,
                  const std::vector<tree::Operation>& operations, uint64_t version,
                  PublishPlan& plan);

// Publishes roots until the latest has version `target` (or more than it was, if more is asked
// for than the root ring can hold before a sync). REQUIRES: APPLY held, the intent repaired.
Status apply_through(const Context& context, uint64_t target, log::Trust trust);

// Takes APPLY and repairs what a dead holder left. Errors: Busy; not held then.
Status lock_apply(const Context& context, const Deadline& deadline);
// The same without waiting; with `probe`, also from a dead holder. False: not held.
bool try_lock_apply(const Context& context, bool probe);

// Moves the durable root up to what is synced and applied, and wakes who waits for it. Anybody
// may call it. Returns the durable version.
uint64_t advance_durable(const Context& context);

// Unlocks APPLY at the end of a scope, and wakes who found it taken and has still to apply.
class ApplyGuard {
 public:
  explicit ApplyGuard(const Context& context) : context_(context) {}
  ApplyGuard(const ApplyGuard&) = delete;
  ApplyGuard& operator=(const ApplyGuard&) = delete;
  ~ApplyGuard();

 private:
  const Context& context_;
};

// Whether the ring has no room for more roots until the log is synced.
bool root_ring_full(const ControlBlock& control);

}  // namespace holdfast::store
