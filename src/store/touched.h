// Touched: which version wrote a key last, by the key's hash, in the control block. A reader that
// has not taken in the log's end can tell whether that concerns its key, without reading it.
//
// Process-safety: written under COMMIT, read without a lock.
// Invariants:
//   1. Before a record is in the log, last_write() of each key it writes is at least its version:
//      whoever sees a commit, published by its writer or by who took over from it, sees that.
//   2. It is never less than what is true. It may be more: keys share a place, a commit that writes
//      much counts for all keys, and one may have failed or been voided.
#pragma once

#include <cstdint>
#include <string_view>

#include "log/record.h"
#include "store/control.h"

namespace holdfast::store {

// Of a commit that is about to be written as `header` says. REQUIRES: COMMIT held.
void touch_keys(ControlBlock& control, const log::PayloadBuilder& payload,
                const log::RecordHeader& header);

// No commit behind this version has written `key`.
uint64_t last_write(const ControlBlock& control, std::string_view key);

}  // namespace holdfast::store
