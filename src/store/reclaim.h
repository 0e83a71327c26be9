// Reclaim: frees retired pages by interval. A page that was born at b and replaced at d is needed
// by a snapshot s if and only if b <= s < d; everything else can be reused at once. A reader that
// is stuck therefore costs its own snapshot, never what came after it.
//
// Who: the holder of APPLY.
// Invariants:
//   1. Nothing is freed whose death is not yet durable: recovery could still need it.
//   2. The floor is published before the pins are read; a reader pins before it reads the floor.
//      Both are sequentially consistent, so one of the two sees the other.
//   3. The checkpoints that a cold start may begin from are pinned like readers, and so are named
//      snapshots. Pins are read in the order in which they are handed on.
#pragma once

#include "store/context.h"

namespace holdfast::store {

enum class ReclaimEffort : uint8_t {
  kRoutine,   // a bounded number of entries of the retired queue
  kThorough,  // all of it, what was held on before, and readers whose process has died
};

// Errors: NoSpace (the block could not grow); nothing has changed then.
Status reclaim(const Context& context, ReclaimEffort effort);

// No snapshot, named ones included, or transaction reads a version before this one, and none will:
// what died in it or earlier is out of sight for good. Takes CHECKPOINT and APPLY for a
// moment. Errors: Busy, those of checkpoint().
Result<uint64_t> oldest_readable(const Context& context, const Deadline& deadline);

// The versions that are pinned, ascending.
std::vector<uint64_t> pinned_versions(const ControlBlock& control);

}  // namespace holdfast::store
