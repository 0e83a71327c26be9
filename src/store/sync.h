// Sync: one fdatasync of the log for everybody who waits. A committer that finds no sync running
// leads one; the others sleep, and wake when their commit is durable. What is durable is not yet in
// the tree: whoever needs it there applies it, the others read through the log (recent.h).
//
// Process- and thread-safety: any.
// Invariants:
//   1. `synced` only moves after an fdatasync that began after the records were written.
//   2. After a failed fdatasync the same inode is never trusted: the tail is voided (void_tail.h).
//   3. Whoever takes SYNC over from a dead leader first writes the unsynced range again: the
//      leader may have seen an error that the kernel reports only once.
#pragma once

#include "store/append.h"
#include "store/context.h"

namespace holdfast::store {

// Leads one sync of everything in the log. Returns at once if somebody else leads, unless
// `probe` finds it dead. Returns whether it led.
// Errors: what the kernel reported; the tail is then marked to be voided.
Result<bool> try_sync(const Context& context, bool probe);

// Waits until `commit` is durable: leads, sleeps or, where it `applies`, uses the time to apply
// when a group has piled up. It is visible to strict readers then. Errors: Aborted (voided:
// definitely not committed), ReadOnly, Busy (outcome unknown; the message names who is waited for),
// and those of sync.
Status wait_durable(const Context& context, const Appended& commit, const Deadline& deadline,
                    bool applies);

// An error met behind the commit point: its code must not say that nothing was written.
Status undecided(const Status& cause);

// Waits until the durable root covers `commit`: leads, applies or sleeps. Errors: as wait_durable,
// and those of apply.
Status wait_in_tree(const Context& context, const Appended& commit, const Deadline& deadline);

// Makes everything durable that is in the log now, and writes it into the tree.
Status flush(const Context& context, const Deadline& deadline);

// Applies what is synced if that is much and nobody else is at it.
void try_apply_synced(const Context& context);

// Moves the durable root on until it covers every commit that was synced before the call. Errors:
// as wait_in_tree.
Status apply_synced(const Context& context, const Deadline& deadline);

// Keeps the unsynced and the unapplied part of the log bounded, for commits that do not wait.
// `helped`: a helper thread syncs in time and applies when it is worth it.
Status bound_backlog(const Context& context, bool helped);
// The same before a strict commit, whose acknowledgement does not wait for the tree: where the tree
// cannot be written the log would grow for ever. Errors: those of apply; nothing was committed.
Status bound_acknowledged(const Context& context);
// Whether so much waits to be applied that a helper thread should: in a strict handle less, as
// readers of what its commits left take that in from the log meanwhile.
bool apply_worth_it(const Context& context);

// Applies the log's tail, so that the latest root covers every commit made before the call.
Status apply_tail(const Context& context, const Deadline& deadline);

// The same if nobody else is at it; otherwise nothing.
Status try_apply_tail(const Context& context);
// The same, and only if so much waits that whoever opens the store next should not have to read it.
Status try_apply_leftovers(const Context& context);

// Checks that [from, to) holds the records that were appended there: after a failed sync that
// nobody lived to report the cache may have fallen back to what is on the disk. Errors: IoError.
Status verify_range(const Context& context, log::Lsn from, log::Lsn to);

// Writes the range [from, to) of the log again in place, verifies and syncs it.
Status rewrite_range(const Context& context, log::Lsn from, log::Lsn to);

}  // namespace holdfast::store
