// Scan: what lies behind the point where accepted history ends. Tells a torn tail, which a crash
// leaves and recovery cuts, from rot inside durable history, which recovery must not touch.
//
// Who: recovery and check. Reads only.
// Invariant: an invalid record at P is a torn tail if and only if no intact record behind it
// claims that the log was durable beyond P.
#pragma once

#include <array>
#include <cstdint>

#include "log/reader.h"

namespace holdfast::log {

struct TailScan {
  bool torn_record = false;       // something was begun at the end
  uint64_t orphaned_entries = 0;  // intact records that nothing connects to history
  uint64_t bytes_discarded = 0;   // of the torn record, as far as it is known, and of these
  Lsn durable_lsn_max = 0;        // the farthest any of them claims durability
  uint64_t segment_max = 0;       // the highest number that exists, started or not
  uint64_t started_max = 0;       // the highest that was started
  uint32_t epoch_max = 0;         // of all started segments
  uint64_t cut_segment = 0;       // one of these that is shorter than when it was started, or 0
  uint64_t headless_segment = 0;  // one whose records claim that it was durable, but whose header
                                  // is damaged, or 0
};

// Scans from `end` (where a Reader stopped) to the end of the last segment.
Result<TailScan> scan_tail(SegmentFiles& files, const std::array<char, 16>& store_id,
                           const Position& end);

}  // namespace holdfast::log
