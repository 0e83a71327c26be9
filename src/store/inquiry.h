// Inquiries: who finds a page that does not match asks the disk whether it lost it. The kernel
// tells of what it could not write when it is asked to sync, and tells it once: whoever hears it
// must say so to all, and may die before he can.
//
// Who: store/. Process- and thread-safe.
// Invariants:
//   1. Whoever asks has his lock word in StateLine::inquirers from before he asks until behind what
//      he says. So a word whose owner is dead may be that of somebody who was told.
//   2. The word of a dead owner stays until the pages have been written again, or a cold start.
//   3. Each handle is told through its own open file. So whoever asks in another handle is told
//      beside us; only a thread of our own may be told in our place.
#pragma once

#include <array>

#include "store/context.h"

namespace holdfast::store {

// Whether pages that do not match are the disk's loss. The store only reads from then on, and the
// next cold start has them from the log.
bool disk_lost_pages(const Context& context);

// Who may have been told of lost pages and has not said so: the owner of each word, or 0.
using SilentInquirers = std::array<uint32_t, kInquirers>;

// Those who are dead, or do not come to it by the deadline. Waits for the living; a thread of a
// handle that is alone is waited for without end.
SilentInquirers silent_inquirers(const Context& context, const Deadline& deadline);

// Whether `now` has anybody whom what was done since `before` does not make up for: somebody else,
// or a thread of this handle, which may have been told since of what we should have been.
bool anybody_new(const Context& context, const SilentInquirers& before, const SilentInquirers& now);

// Whether anybody is asking. REQUIRES: nobody is attached, so he is dead.
bool any_inquirer(const ControlBlock& control);

// To be called when the pages that `silent` asked about were written again, verified. Who is alive
// takes his word back himself.
void forget_dead(const Context& context, const SilentInquirers& silent);

}  // namespace holdfast::store
