#include "store/append.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/crc32c.h"
#include "store/apply.h"
#include "store/headroom.h"
#include "store/roll.h"
#include "store/touched.h"
#include "store/void_tail.h"

namespace holdfast::store {
namespace {

// Pages that applying the payload to a tree of `height` may need at most. A deleted range costs new
// branches along its two edges, and deletions in the two leaves there: as two operations do.
uint64_t pages_needed_max(const log::PayloadBuilder& payload, uint32_t height, uint32_t page_size) {
  const uint64_t ranges = payload.range_count();
  return 2 * ranges * height + tree::pages_needed_max(payload.operation_count() + ranges,
                                                      payload.payload().size(), height, page_size);
}

struct Attempt {
  bool need_headroom = false;
  bool need_void = false;
  Status no_segment;  // NoSpace for the segment that the record needs
  Appended appended;
};

Status write_record(const Context& context, const Tail& tail, log::RecordHeader& header,
                    log::PayloadBuilder* payload) {
  HOLDFAST_ASSIGN(auto segment, context.segments->open(log::lsn_segment(tail.lsn)));
  log::seal(header, segment->header().salt);
  const std::string_view bytes =
      payload != nullptr ? payload->record(header)
                         : std::string_view(reinterpret_cast<const char*>(&header), sizeof(header));
  const uint64_t offset = log::lsn_offset(tail.lsn);
  Status status = segment->file().write_at(offset, bytes);
  if (status) return status;
  // Whatever part of it arrived must not be taken for a commit that was reported as failed.
  const std::string zeros(sizeof(log::RecordHeader), '\0');
  if (!segment->file().write_at(offset, zeros)) {
    make_read_only(context.control());
  }
  return status;
}

log::RecordHeader make_header(const Context& context, const Tail& tail, log::RecordType type) {
  log::RecordHeader header;
  header.type = static_cast<uint16_t>(type);
  header.lsn = tail.lsn;
  header.version = tail.version;
  header.commit_time_us = tail.time_us;
  header.durable_lsn = context.control().synced.lsn.load();
  header.prev_header_crc = tail.prev_crc;
  header.epoch = tail.epoch;
  return header;
}

Tail tail_behind(const Tail& tail, const log::RecordHeader& header) {
  Tail next = tail;
  next.lsn = tail.lsn + log::record_size(header.payload_size);
  next.version = header.version;
  next.time_us = header.commit_time_us;
  next.pages_needed = tail.pages_needed + header.pages_max;
  next.last_lsn = tail.lsn;
  next.prev_crc = header.header_crc;
  return next;
}

// REQUIRES: COMMIT held, the tail repaired.
Result<Attempt> append_locked(const Context& context, log::PayloadBuilder& payload,
                              uint32_t payload_crc, const ReadSet& reads, log::Position& validated,
                              uint64_t pages_max) {
  ControlBlock& control = context.control();
  Attempt attempt;
  attempt.need_void = engine_state(control) == EngineState::kVoiding;
  if (attempt.need_void) return attempt;
  HOLDFAST_TRY(writable(context));
  Tail tail = read_tail(control.tail);
  HOLDFAST_TRY(context.connected());
  if (!reads.empty()) {
    if (validated.epoch != tail.epoch) {
      return Status(StatusCode::kConflict,
                    "the end of the log was voided since; run the transaction again");
    }
    HOLDFAST_TRY(validate(context, reads, validated, tail));
  }
  attempt.need_headroom = !headroom_suffices(context, tail, pages_max);
  if (attempt.need_headroom) return attempt;
  attempt.no_segment = ensure_segment_space(context, tail, payload.payload().size());
  if (attempt.no_segment.code() == StatusCode::kNoSpace) return attempt;
  HOLDFAST_TRY(attempt.no_segment);
  log::RecordHeader header = make_header(context, tail, log::RecordType::kCommit);
  header.payload_crc = payload_crc;
  header.payload_size = static_cast<uint32_t>(payload.payload().size());
  header.version = tail.version + 1;
  header.commit_time_us = std::max(tail.time_us + 1, context.os.wall_time_us());
  header.operation_count = payload.operation_count();
  header.pages_max = static_cast<uint32_t>(pages_max);
  touch_keys(control, payload, header);
  HOLDFAST_TRY(write_record(context, tail, header, &payload));
  const Tail next = tail_behind(tail, header);
  publish_tail(control.tail, next);
  control.counters.commits.store(control.counters.commits.load() + 1, std::memory_order_relaxed);
  attempt.appended = {next.version, next.epoch, next.lsn, next.lsn - tail.lsn};
  return attempt;
}

}  // namespace

Status writable(const Context& context) {
  switch (engine_state(context.control())) {
    case EngineState::kRunning:
      return Status::ok();
    case EngineState::kVoiding:
      return Status(StatusCode::kBusy, "the end of the log is being voided; try again")
          .with_path(context.path);
    case EngineState::kReadOnly:
      break;
  }
  return Status(
             StatusCode::kReadOnly,
             "the disk refused to make data durable or lost some, so the store only reads; check "
             "the disk, close all handles and open the store again")
      .with_path(context.path);
}

Status repair_tail(const Context& context) {
  ControlBlock& control = context.control();
  while (true) {
    const Tail tail = read_tail(control.tail);
    HOLDFAST_ASSIGN(auto segment, context.segments->open(log::lsn_segment(tail.lsn)));
    const log::Position position = tail.position();
    log::Window window;
    window.enter(segment);
    HOLDFAST_ASSIGN(const auto record, window.record(log::lsn_offset(tail.lsn), ~0ull, &position));
    if (record && record->header.version >= tail.version) {
      publish_tail(control.tail, tail_behind(tail, record->header));
      continue;
    }
    HOLDFAST_ASSIGN(const bool rolled, adopt_roll(context, tail));
    if (!rolled) return Status::ok();
  }
}

Status lock_commit(const Context& context, const Deadline& deadline) {
  SharedLock& lock = context.locks->commit;
  switch (lock.lock(deadline)) {
    case LockOutcome::kAcquired:
      break;
    case LockOutcome::kNotNow:
      return lock.busy();
    case LockOutcome::kOwnerDied:
      if (Status status = repair_tail(context); !status) {
        lock.unlock_unrepaired();
        return status;
      }
  }
  return Status::ok();
}

Result<Appended> append(const Context& context, log::PayloadBuilder& payload, const ReadSet& reads,
                        log::Position snapshot, const Deadline& deadline) {
  ControlBlock& control = context.control();
  const uint32_t payload_crc = crc32c(payload.payload());
  bool tried = false;
  bool crowded = false;
  for (int attempt = 0;;) {
    if (engine_state(control) == EngineState::kVoiding) {
      HOLDFAST_TRY(void_tail(context, deadline));
    }
    // Before validation: in a store that only reads, every retry would conflict again.
    HOLDFAST_TRY(writable(context));
    // One level more than now: the records before this one may let the tree grow.
    const uint64_t pages_max =
        pages_needed_max(payload, read_latest_root(control).root.height + 1, context.page_size());
    // Most of the window without the lock.
    if (!reads.empty() && snapshot.epoch == read_tail(control.tail).epoch) {
      HOLDFAST_TRY(validate(context, reads, snapshot, read_tail(control.tail)));
    }
    std::optional<ApplyGuard> no_growth;
    if (crowded) {
      HOLDFAST_TRY(lock_apply(context, deadline));
      no_growth.emplace(context);
    }
    HOLDFAST_TRY(lock_commit(context, deadline));
    LockGuard guard(context.locks->commit);
    HOLDFAST_ASSIGN(const Attempt result,
                    append_locked(context, payload, payload_crc, reads, snapshot, pages_max));
    guard.release();
    no_growth.reset();
    if (result.need_void) continue;
    if (!result.no_segment) {
      if (crowded) return result.no_segment;
      // Whoever grows the data file asks for more than is needed now, and may have held the last of
      // the disk until that was refused: once more while nobody does.
      crowded = true;
      continue;
    }
    if (!result.need_headroom) return result.appended;
    if (tried && deadline.passed()) {
      return Status(StatusCode::kBusy,
                    "other writers took every free page before this commit could; try again");
    }
    tried = true;
    HOLDFAST_ASSIGN(const bool made, make_headroom(context, pages_max, attempt, deadline));
    if (made) ++attempt;
  }
}

void append_note(const Context& context, log::Lsn durable_lsn) {
  ControlBlock& control = context.control();
  const LockOutcome outcome = context.locks->commit.try_lock(false);
  if (outcome == LockOutcome::kNotNow) return;
  const LockGuard guard(context.locks->commit);
  const Tail tail = read_tail(control.tail);
  if (tail.lsn != durable_lsn || !writable(context)) return;
  auto segment = context.segments->open(log::lsn_segment(tail.lsn));
  if (!segment || log::lsn_offset(tail.lsn) + sizeof(log::RecordHeader) > (*segment)->capacity()) {
    return;  // no room: the next segment's records will witness
  }
  log::RecordHeader header = make_header(context, tail, log::RecordType::kNote);
  header.durable_lsn = durable_lsn;
  // A note that cannot be written leaves only the proof against rot weaker.
  if (write_record(context, tail, header, nullptr)) {
    publish_tail(control.tail, tail_behind(tail, header));
  }
}

}  // namespace holdfast::store
