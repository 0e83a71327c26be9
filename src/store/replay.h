// Replay: applies a long stretch of the log at once, in the order of its keys. What apply.h does
// batch by batch writes most leaves again with every batch when keys lie all over the tree; this
// writes each about once.
//
// Who: recovery, while nobody else is attached.
// Invariants:
//   1. The tree becomes what applying the stretch's commits one by one would make of it.
//   2. Between slices the tree stands at no commit. Only the last one is published, and with it
//      everything that was taken and retired on the way: dying before leaves nothing behind.
//   3. Memory is bounded, however long the log is: by the limits of a stretch and two slices of it.
#pragma once

#include "store/context.h"
#include "store/stretch.h"

namespace holdfast::store {

// How much a replay takes at a time; in proportion to the store's segments, so that a store of
// small ones goes the same ways.
Stretch::Limits replay_limits(const Context& context);

// Publishes roots until the latest has version `target`. `first`: what was read already of the log
// behind the latest root, if it begins there. REQUIRES: APPLY held, the intent repaired, no
// readers. Errors: NoSpace, IoError, Corruption, Unsupported; the root published last stays.
Status replay_through(const Context& context, uint64_t target, Stretch first);

}  // namespace holdfast::store
