// Roll: going over to the next segment of the log. Normally one write of a header, because the
// next segment stands prepared.
//
// Who: the holder of COMMIT.
// Invariants:
//   1. The header is written before the tail moves into the segment, the tail before a record.
//   2. A roll that its owner did not finish is finished before anything else is appended: the
//      header has already declared where the earlier segment ends.
#pragma once

#include "store/context.h"
#include "store/published.h"

namespace holdfast::store {

// Makes room for a record of `payload_size` at the tail, rolling over if there is none; `tail`
// is then the new tail. Errors: NoSpace, IoError, Busy.
Status ensure_segment_space(const Context& context, Tail& tail, uint64_t payload_size);

// Finishes a roll out of the tail's segment that was begun. Returns whether there was one.
Result<bool> adopt_roll(const Context& context, const Tail& tail);

// Writes the header that starts segment `number` behind `tail`, in `epoch`, and makes sure that
// it holds `capacity_min` bytes. Does not sync.
struct SegmentStart {
  uint64_t number = 0;
  uint32_t epoch = 0;
  log::Lsn prev_end_lsn = 0;
  uint32_t prev_crc = 0;
  uint64_t start_version = 0;
  uint64_t capacity_min = 0;
};
Result<std::shared_ptr<log::Segment>> start_segment(const Context& context,
                                                    const SegmentStart& start);

}  // namespace holdfast::store
