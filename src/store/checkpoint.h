// Checkpoint: makes a durable root what a cold start begins from, and lets go of the log before
// it. Commits go on meanwhile; nothing waits but another checkpoint.
//
// Process- and thread-safety: any; one at a time by its lock.
// Invariants:
//   1. Only a durable root is checkpointed: the tree on the disk is never ahead of the log.
//   2. The root is pinned from before its pages are synced until two checkpoints later.
//   3. A checkpoint whose owner died is completed for the same root: its meta may be on the disk.
//   4. The log is kept from the older of the two metas on, and from what a reader needs.
#pragma once

#include "store/context.h"
#include "store/published.h"

namespace holdfast::store {

// Errors: Busy, IoError (the store then only reads: data that cannot be synced must not become
// the only copy).
Status checkpoint(const Context& context, const Deadline& deadline);
// The same, unless another is at it. Returns whether it ran.
Result<bool> try_checkpoint(const Context& context);

// Takes CHECKPOINT and completes what a dead owner left. Errors: as checkpoint(); not held then.
Status lock_checkpoint(const Context& context, const Deadline& deadline);
// Sees to it that the last checkpoint is of `version` at least, and returns its root: every page of
// it is on the disk, and it is pinned while CHECKPOINT is held. Errors: as checkpoint().
// REQUIRES: CHECKPOINT held; `version` is durable.
Result<PublishedRoot> checkpoint_through(const Context& context, uint64_t version);

// Whether enough log has piled up, or time has passed, that a checkpoint is due.
bool checkpoint_due(const Context& context);

// Bytes of log that a cold start would replay.
uint64_t log_bytes_since_checkpoint(const Context& context);

}  // namespace holdfast::store
