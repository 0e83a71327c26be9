// Inquiries: who finds a page that does not match asks the disk whether it lost it. The kernel
// tells of what it could not write when it is asked to sync, and tells it once: whoever hears it
// must say so to all, and may die before he can.
//
// Who: store/. Process- and thread-safe.
// Invariants:
//   1. Whoever asks has his lock word in StateLine::inquirers from before he asks until behind what
//      he says. So a word whose owner is dead may be that of somebody who was told.
//   2. The word of a dead owner stays until the pages have been written again, or a cold start.
#pragma once

#include "store/context.h"

namespace holdfast::store {

// Whether pages that do not match are the disk's loss. The store only reads from then on, and the
// next cold start has them from the log.
bool disk_lost_pages(const Context& context);

// Whether somebody was told of lost pages and has not said so: he is dead, or has not come to it by
// the deadline. Waits for the living; a thread of a handle that is alone is waited for without end.
bool told_and_silent(const Context& context, const Deadline& deadline);

// Whether anybody is asking. REQUIRES: nobody is attached, so he is dead.
bool any_inquirer(const ControlBlock& control);

// To be called when the pages that the dead asked about were written again, verified.
void forget_dead_inquirers(const Context& context);

}  // namespace holdfast::store
