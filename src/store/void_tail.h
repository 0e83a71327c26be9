// Void: the answer to a failed fdatasync of the log. The kernel may have marked the unsynced
// bytes clean and forgotten the error, so nothing behind the synced point can be trusted. History
// is cut there, durably, by the header of a new segment (a new inode) in a new epoch; whoever
// waits for a commit behind the cut gets a definite answer: it did not happen.
//
// Process- and thread-safety: any process may do it, and do it again after another died half-way.
// Invariants:
//   1. While the state is kVoiding nothing is appended, synced, applied or reclaimed.
//   2. The cut is durable before any waiter learns of it.
//   3. Version numbers are not reused: the surviving tree is published again under a new one.
#pragma once

#include "store/context.h"

namespace holdfast::store {

// Voids the tail if the state asks for it. Errors: ReadOnly (the cut could not be made durable:
// the store only reads from now on), Busy.
Status void_tail(const Context& context, const Deadline& deadline);

}  // namespace holdfast::store
