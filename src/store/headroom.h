// Headroom: pages to apply what is in the log. A commit is appended only if the pages that it and
// everything unapplied before it may need are free, or can be had: the disk has so much more room
// that nobody fills it before they are taken.
//
// Process- and thread-safety: any.
// Invariants:
//   1. Free pages are counted on only while they are free. The disk is asked anew after each
//      publication, each apply that failed for want of room, and every few commits in between; it
//      is never counted on for more than half of what it has beyond kSpareBytes.
//   2. On a disk that has no more than kSpareBytes, free pages alone count: a commit that cannot be
//      applied is refused before it is written.
#pragma once

#include <cstdint>

#include "store/context.h"
#include "store/published.h"

namespace holdfast::store {

// What the disk must have beside what is counted on: other programs may take it meanwhile.
inline constexpr uint64_t kSpareBytes = 512u << 20;

// Whether the pages that everything unapplied and `pages_max` more may need can be had.
bool headroom_suffices(const Context& context, const Tail& tail, uint64_t pages_max);

// Makes room for `pages_max` more, unless another does meanwhile: so that one can commit while the
// other applies. `attempt`: how often this was in vain. Returns whether this call applied and made
// it. Errors: Busy, NoSpace, those of apply.
Result<bool> make_headroom(const Context& context, uint64_t pages_max, int attempt,
                           const Deadline& deadline);

// Whether less than half of what commits to come should find is left.
bool headroom_short(const Context& context);

// Applies the log's tail and makes room for the commits to come; nothing if somebody applies.
// Errors: those of apply, NoSpace.
Status apply_and_replenish(const Context& context);

}  // namespace holdfast::store
