// The hash chain of an event stream: sealing, verifying, and letting go of old events.
//
// Who: events.cc. Thread-safety: that of the given source or target.
// Invariants:
//   1. Sealing reads the floor and events, and writes seals that are functions of what it read
//      (event_rows.h 2): two who seal at once write the same, and conflict with nobody but a trim.
//   2. A trim moves the floor to the last event it removes, with that event's hash, in the commit
//      that removes it: the chain goes on from there.
#pragma once

#include "memory/event_rows.h"

namespace holdfast::memory {

// Writes the seals that are due, over at most `events_max` events.
Status seal_due(search::KeyTarget& target, const EventRows& rows, uint64_t events_max);
// Seals up to the last event; its mark.
Result<Mark> seal_all(search::KeyTarget& target, const EventRows& rows);

// Lets go of at most `limit` events, but of none when it would be fewer than `least`; how many.
// Errors: Corruption (a seal does not match; nothing is written).
Result<uint64_t> trim_events(search::KeyTarget& target, const EventRows& rows, int64_t now_us,
                             uint64_t least, uint64_t limit);

// Errors: as EventStream::verify.
Result<StreamVerification> verify_chain(search::KeySource& source, const EventRows& rows,
                                        const std::optional<StreamSeal>& expected);

StreamSeal seal_of(const Mark& mark);

}  // namespace holdfast::memory
