#include "store/roll.h"

#include <algorithm>
#include <functional>

#include "log/record.h"
#include "store/append.h"

namespace holdfast::store {
namespace {

// The tail at the beginning of a segment that was just started.
Tail tail_at(const Tail& before, const log::SegmentHeader& header) {
  Tail tail = before;
  tail.lsn = log::make_lsn(header.segment, log::kSegmentHeaderSize);
  tail.epoch = header.epoch;
  tail.prev_crc = header.prev_crc;
  tail.version = header.start_version;
  return tail;
}

// Makes segment `number` of at least `capacity_min` bytes exist, its directory entry synced.
// A file under its final name is always whole; who renamed it may have died before syncing the
// directory. REQUIRES: PREPARE held.
Status prepare_locked(const Context& context, uint64_t number, uint64_t capacity_min,
                      const std::function<bool()>& is_awaited) {
  log::SegmentFiles& files = *context.segments;
  files.forget(number);
  auto segment = files.open(number);
  if (segment && (*segment)->capacity() >= capacity_min) {
    HOLDFAST_TRY(context.os.sync_directory(files.directory()));
  } else {
    files.forget(number);
    const uint64_t capacity = std::max(capacity_min, files.capacity(number));
    HOLDFAST_TRY(files.prepare(number, capacity, is_awaited));
  }
  StateLine& state = context.control().state;
  if (state.prepared_segment.load() < number) state.prepared_segment.store(number);
  return Status::ok();
}

// A prepared segment of that number and at least that size, prepared now if it is not there.
Result<std::shared_ptr<log::Segment>> open_prepared(const Context& context, uint64_t number,
                                                    uint64_t capacity_min) {
  if (context.control().state.prepared_segment.load() >= number) {
    auto segment = context.segments->open(number);
    if (segment && (*segment)->capacity() >= capacity_min) return segment;
  }
  const LockOutcome outcome = context.locks->prepare.lock(context.deadline());
  if (outcome == LockOutcome::kNotNow) return context.locks->prepare.busy();
  const LockGuard guard(context.locks->prepare);
  // COMMIT is held, and who loads more than can be prepared beside it comes here for each segment:
  // the zeros would take longer than the records.
  HOLDFAST_TRY(prepare_locked(context, number, capacity_min, [] { return true; }));
  return context.segments->open(number);
}

}  // namespace

Result<std::shared_ptr<log::Segment>> start_segment(const Context& context,
                                                    const SegmentStart& start) {
  HOLDFAST_TRY(still_in_place(context));
  HOLDFAST_ASSIGN(auto segment, open_prepared(context, start.number, start.capacity_min));
  log::SegmentHeader header;
  header.store_id = context.store_id;
  header.segment = start.number;
  header.prev_end_lsn = start.prev_end_lsn;
  header.prev_segment = log::lsn_segment(start.prev_end_lsn);
  header.start_version = start.start_version;
  header.epoch = start.epoch;
  header.prev_crc = start.prev_crc;
  context.os.random_bytes(reinterpret_cast<char*>(&header.salt), sizeof(header.salt));
  header.created_us = context.os.wall_time_us();
  header.capacity = static_cast<uint32_t>(segment->capacity());
  log::seal(header);
  Status status =
      segment->file().write_at(0, {reinterpret_cast<const char*>(&header), sizeof(header)});
  if (status) {
    auto started = context.segments->open(start.number);
    if (started) return started;
    status = started.status();
  }
  // It may have arrived all the same, and would cut off what is appended before it: it must not
  // stay, on the disk no more than in the cache.
  if (!segment->file().write_at(0, std::string(log::kSegmentHeaderSize, '\0')) ||
      !segment->file().sync_data()) {
    make_read_only(context.control());
  }
  return status;
}

Status ensure_segment_space(const Context& context, Tail& tail, uint64_t payload_size) {
  const uint64_t size = log::record_size(payload_size);
  HOLDFAST_ASSIGN(auto segment, context.segments->open(log::lsn_segment(tail.lsn)));
  if (log::lsn_offset(tail.lsn) + size <= segment->capacity()) return Status::ok();
  SegmentStart start;
  start.number = segment->number() + 1;
  start.epoch = tail.epoch;
  start.prev_end_lsn = tail.lsn;
  start.prev_crc = tail.prev_crc;
  start.start_version = tail.version;
  start.capacity_min = log::kSegmentHeaderSize + size;
  HOLDFAST_ASSIGN(auto next, start_segment(context, start));
  tail = tail_at(tail, next->header());
  publish_tail(context.control().tail, tail);
  return Status::ok();
}

Result<bool> adopt_roll(const Context& context, const Tail& tail) {
  const uint64_t number = log::lsn_segment(tail.lsn) + 1;
  auto next = context.segments->open(number);
  if (!next) {
    const StatusCode code = next.status().code();
    if (code == StatusCode::kNotFound || code == StatusCode::kCorruption) return false;
    return next.status();
  }
  if (!(*next)->started(context.store_id)) return false;
  const log::SegmentHeader& header = (*next)->header();
  if (header.prev_end_lsn != tail.lsn || header.epoch != tail.epoch) return false;
  publish_tail(context.control().tail, tail_at(tail, header));
  return true;
}

Status prepare_segments(const Context& context, bool eager) {
  ControlBlock& control = context.control();
  const uint64_t ahead = eager ? 2 : 1;
  const auto wanted = [&] { return log::lsn_segment(read_tail(control.tail).lsn) + ahead; };
  if (control.state.prepared_segment.load() >= wanted()) return Status::ok();
  const LockOutcome outcome = context.locks->prepare.try_lock(true);
  if (outcome == LockOutcome::kNotNow) return Status::ok();
  const LockGuard guard(context.locks->prepare);
  HOLDFAST_TRY(still_in_place(context));
  const auto is_awaited = [&] { return context.locks->prepare.is_awaited(); };
  while (control.state.prepared_segment.load() < wanted() && !is_awaited()) {
    const uint64_t number = control.state.prepared_segment.load() + 1;
    HOLDFAST_TRY(prepare_locked(context, number, 0, is_awaited));
  }
  return Status::ok();
}

}  // namespace holdfast::store
