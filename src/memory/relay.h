// The relay of an outbox: takes the lease, delivers in order, removes what was delivered.
//
// Who: outbox.cc. Thread-safety: any thread.
// Invariants:
//   1. Entries are removed only in a transaction that has read this relay's lease.
//   2. The lease is renewed with each batch, before its first delivery.
#pragma once

#include <string_view>

#include "holdfast/outbox.h"
#include "memory/access.h"

namespace holdfast::memory {

// Errors: as Outbox::relay.
Result<RelayResult> run_relay(Access& access, std::string_view name, const Outbox::Deliver& deliver,
                              const RelayOptions& options);

}  // namespace holdfast::memory
