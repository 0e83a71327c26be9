// Apply: brings the tree up with the log. Takes every record behind the published root, folds
// their operations (batch.h), writes them into the tree in one copy-on-write pass and publishes the
// new root. The log is the truth; applying is deterministic and can be repeated by anybody.
//
// Who: the holder of APPLY, and a cold start.
// Invariants:
//   1. A root stands at a commit boundary and covers every commit up to its version.
//   2. Pages are written before the root that references them is published.
//   3. `durable` is the newest root whose version is synced.
#pragma once

#include <cstdint>

#include "log/reader.h"
#include "store/batch.h"
#include "store/context.h"
#include "store/intent.h"
#include "store/new_pages.h"
#include "store/published.h"

namespace holdfast::store {

// Applies `batch` to `root` as of `version` and writes the new pages; `plan` gets everything but
// the root's log position. Errors: NoSpace, IoError, Corruption; nothing is published then.
Status write_tree(const Context& context, const tree::Root& root, Batch& batch, uint64_t version,
                  PublishPlan& plan, ApplyPace pace = ApplyPace::kAtOnce);

// Publishes roots until the latest has version `target` (or more than it was, if more is asked
// for than the root ring can hold before a sync). REQUIRES: APPLY held, the intent repaired.
Status apply_through(const Context& context, uint64_t target, log::Trust trust,
                     ApplyPace pace = ApplyPace::kAtOnce);

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
