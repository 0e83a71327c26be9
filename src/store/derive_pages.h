// Deriving the allocator at a cold start: the bitmap is not stored, free is what no version reaches
// that somebody may still read: the two checkpoints and the named snapshots.
//
// Who: recovery.
// Invariants:
//   1. A page that only an older version reaches is retired with the interval in which that version
//      lies, so that reclaim (reclaim.h) frees it exactly when the last pin in it goes.
//   2. Where it cannot be known what is named, nothing is free.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "holdfast/store.h"
#include "store/context.h"
#include "store/intent.h"
#include "store/named.h"

namespace holdfast::store {

struct KeptRoots {
  PublishedRoot chosen;
  std::optional<PublishedRoot> older;
  // Every version that may turn out to be named when history has been applied: should the power
  // go before that is durable, a name that the log drops is back.
  std::vector<Named> named;
  bool named_unknown = false;  // some name could not be read
};

struct Reached {
  std::vector<RetiredRun> retired;                   // in the order of their deaths
  std::vector<std::pair<uint64_t, Status>> damaged;  // named versions that are not whole
};

// Adds what the tree of the chosen checkpoint names; a warning where it cannot be read.
void add_named(const Context& context, KeptRoots& kept, RecoveryReport& report);

// Fills bitmap and counts. Errors: Corruption (the chosen tree), NoSpace.
Result<Reached> derive_pages(const Context& context, const KeptRoots& kept, uint64_t file_pages,
                             RecoveryReport& report);

// After history was applied and checkpointed: lets go of versions that are not named any more, and
// warns of those that are and not whole. Errors: Corruption.
Status settle_recovered(const Context& context, const KeptRoots& kept, const Reached& reached,
                        RecoveryReport& report);

}  // namespace holdfast::store
