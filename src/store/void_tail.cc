#include "store/void_tail.h"

#include <unordered_set>

#include "base/check.h"
#include "store/append.h"
#include "store/apply.h"
#include "store/intent.h"
#include "store/roll.h"
#include "store/waiters.h"
#include "store/watch_slots.h"

namespace holdfast::store {
namespace {

// The newest root that covers nothing behind the synced point.
Result<PublishedRoot> surviving_root(const Context& context) {
  const ControlBlock& control = context.control();
  const uint64_t synced = control.synced.version.load();
  for (uint64_t sequence = control.roots.latest.load(); sequence > 0; --sequence) {
    const auto root = read_root(control, sequence);
    HOLDFAST_TRY(context.connected());
    CHECK(root.has_value());  // the ring never forgets a root behind the durable one
    if (root->version <= synced) return *root;
  }
  HOLDFAST_TRY(context.connected());
  CHECK(false);
  return PublishedRoot();
}

// Pages that were retired by voided roots but live on in `base`: strikes them out.
void revive_retired(const Context& context, const PublishedRoot& base) {
  AllocationLine& line = context.control().allocation;
  const uint64_t tail = line.retired_tail.load();
  uint64_t pages = 0;
  for (uint64_t index = line.retired_head.load(); index < tail; ++index) {
    const RetiredRun run = load_retired(context, index);
    if (run.count == 0) continue;
    if (run.birth <= base.version && run.death > base.version) {
      strike_retired(context, index);
    } else {
      pages += run.count;
    }
  }
  const uint64_t buffer = line.held_buffer.load();
  for (uint64_t i = 0; i < line.held_count.load(); ++i) {
    pages += load_held(context, buffer, i).count;
  }
  line.retired_pages.store(pages);
}

// Pages that only the voided trees reference: born behind `base`, reachable from `latest`.
Status retire_voided(const Context& context, const PublishedRoot& base, const PublishedRoot& latest,
                     uint64_t death, PublishPlan& plan) {
  if (latest.root.height == 0) return Status::ok();
  return tree::walk(*context.pages, latest.root, true,
                    [&](const tree::VisitedRun& run) -> Result<bool> {
                      if (run.birth_version <= base.version) return false;
                      plan.retired.push_back({run.pgno, run.count, run.birth_version, death});
                      return true;
                    });
}

// Where the new segment starts, found again if an earlier attempt got that far.
Result<std::shared_ptr<log::Segment>> cut_segment(const Context& context,
                                                  const SegmentStart& start) {
  HOLDFAST_ASSIGN(auto existing, log::successor(*context.segments, context.store_id,
                                                log::lsn_segment(start.prev_end_lsn)));
  if (existing != nullptr && existing->header().epoch == start.epoch) return existing;
  return start_segment(context, start);
}

Status make_cut(const Context& context, const Tail& tail, const Batch& rest, uint32_t epoch,
                Tail& cut) {
  SegmentStart start;
  start.number = log::lsn_segment(tail.lsn) + 1;
  start.epoch = epoch + 1;
  start.prev_end_lsn = rest.end().lsn;
  start.prev_crc = rest.end().prev_crc;
  start.start_version = tail.version + 1;
  HOLDFAST_ASSIGN(auto segment, cut_segment(context, start));
  const log::SegmentHeader header = segment->header();
  HOLDFAST_TRY(
      segment->file().write_at(0, {reinterpret_cast<const char*>(&header), sizeof(header)}));
  HOLDFAST_TRY(segment->file().sync_data());
  HOLDFAST_TRY(context.os.sync_directory(context.segments->directory()));
  cut = tail;
  cut.lsn = log::make_lsn(header.segment, log::kSegmentHeaderSize);
  cut.last_lsn = 0;
  cut.prev_crc = header.prev_crc;
  cut.epoch = header.epoch;
  cut.version = header.start_version;
  return Status::ok();
}

// Publishes the surviving tree, with what was synced but not in it, as version `cut.version`.
Status publish_surviving(const Context& context, const PublishedRoot& base, Batch& rest,
                         const Tail& cut) {
  ControlBlock& control = context.control();
  const PublishedRoot latest = read_latest_root(control);
  if (latest.epoch == cut.epoch) return Status::ok();  // an earlier attempt did it
  revive_retired(context, base);
  PublishPlan plan;
  plan.root = base;
  plan.root.sequence = latest.sequence + 1;
  plan.root.version = cut.version;
  plan.root.lsn = cut.lsn;
  plan.root.prev_crc = cut.prev_crc;
  plan.root.epoch = cut.epoch;
  plan.root.pages_needed = cut.pages_needed;
  HOLDFAST_TRY(write_tree(context, base.root, rest, cut.version, plan));
  HOLDFAST_TRY(retire_voided(context, base, latest, cut.version, plan));
  mark_watches(context, rest.erased(), rest.operations(), cut.version);
  return carry_out(context, plan);
}

// REQUIRES: APPLY and COMMIT held and repaired. Every step may have been done before.
Status void_locked(const Context& context) {
  ControlBlock& control = context.control();
  const uint32_t epoch = control.state.voided_epoch.load();
  if (control.state.epoch.load() == epoch) {
    Tail cut = read_tail(control.tail);
    if (cut.epoch == epoch) {
      const uint64_t synced = control.synced.version.load();
      HOLDFAST_ASSIGN(const PublishedRoot base, surviving_root(context));
      HOLDFAST_ASSIGN(Batch rest,
                      Batch::read(context, base.position(), synced, control.synced.lsn.load(),
                                  log::Trust::kAccepted, ~0ull));
      HOLDFAST_TRY(make_cut(context, cut, rest, epoch, cut));
      HOLDFAST_TRY(publish_surviving(context, base, rest, cut));
      control.epoch_end_version[epoch % kEpochEnds].store(synced);
      publish_tail(control.tail, cut);
    }
    control.synced.lsn.store(cut.lsn);
    control.state.epoch.store(epoch + 1, std::memory_order_seq_cst);
  }
  const Tail tail = read_tail(control.tail);
  control.synced.version.store(tail.version, std::memory_order_seq_cst);
  control.synced.inflight_version.store(0);
  control.counters.voids.fetch_add(1);
  advance_durable(context);
  change_state(control, EngineState::kVoiding, EngineState::kRunning);
  return Status::ok();
}

}  // namespace

Status void_tail(const Context& context, const Deadline& deadline) {
  ControlBlock& control = context.control();
  HOLDFAST_TRY(lock_apply(context, deadline));
  const LockGuard apply_guard(context.locks->apply);
  HOLDFAST_TRY(lock_commit(context, deadline));
  const LockGuard commit_guard(context.locks->commit);
  if (engine_state(control) != EngineState::kVoiding) return writable(context);
  if (const Status status = void_locked(context); !status) {
    if (status.code() == StatusCode::kBusy) return status;  // another prepares the segment: later
    make_read_only(control);
    wake_all(context);
    return Status(StatusCode::kReadOnly,
                  "the disk failed to make commits durable and could not record that either (" +
                      status.to_string() +
                      "); the store only reads: check the disk, close all handles and open it "
                      "again")
        .with_path(context.path);
  }
  wake_all(context);
  return Status::ok();
}

}  // namespace holdfast::store
