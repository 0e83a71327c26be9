// Waiters: how commits sleep until they are durable, and who is woken when.
//
// Syncs are numbered by generation. A commit that the running sync covers sleeps on the line of
// that generation, a later one on the line of the next: the end of a sync wakes exactly those
// whose commits it covers, and one of the others to lead the next sync.
//
// Process- and thread-safety: any.
// Invariants:
//   1. A ticket is taken before the condition is looked at; every change that could make the
//      condition true counts the ticket's line up, so nobody falls asleep over it.
//   2. Who sleeps on a line that is not woken for it wakes by timeout: waiting costs time, never
//      the outcome.
#pragma once

#include <cstdint>

#include "store/context.h"

namespace holdfast::store {

constexpr uint32_t kEverybody = ~0u >> 1;  // of those who sleep on a word; the kernel counts in int

struct WaitTicket {
  uint32_t line = 0;
  uint32_t seen = 0;
};

// For a commit of `version`; take it, look whether the commit is durable, then sleep.
WaitTicket take_ticket(const ControlBlock& control, uint64_t version);
// Returns true when nobody woke it.
bool sleep_on(const Context& context, const WaitTicket& ticket, const Deadline& deadline);

// A sync that covers `version` has begun, or ended. REQUIRES: SYNC held.
void note_sync_begun(const Context& context, uint64_t version);
void note_sync_ended(const Context& context);

// Wakes those whose commits the last sync covered. Call after note_sync_ended(), best with SYNC
// free.
void wake_covered(const Context& context);
// Wakes those whose commits are synced and who wait for the tree: the durable root has moved.
void wake_synced(const Context& context);
// Wakes one that waits for the next sync, to lead it. Call with SYNC free.
void wake_next_leader(const Context& context);
// Wakes all: the state has changed.
void wake_all(const Context& context);

}  // namespace holdfast::store
