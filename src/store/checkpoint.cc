#include "store/checkpoint.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "store/append.h"
#include "store/apply.h"
#include "store/fresh_pages.h"
#include "store/inquiry.h"
#include "store/named.h"
#include "store/superblock.h"
#include "store/waiters.h"

namespace holdfast::store {
namespace {

constexpr uint64_t kLogBytesWorthIt = 1u << 20;
constexpr uint64_t kBetweenUsMax = 60'000'000;
// A reader may hold back this much log; behind that its transaction is told it is too old.
constexpr uint64_t kHeldSegmentsMax = 16;
// How often pages are written again because somebody new asks about them; each time takes a page
// that does not match.
constexpr int kSyncRoundsMax = 4;

void store_pending(CheckpointRoot& pending, const PublishedRoot& root) {
  pending.version.store(root.version);
  pending.lsn.store(root.lsn);
  pending.time_us.store(root.time_us);
  pending.pgno.store(root.root.page.pgno);
  pending.crc.store(root.root.page.crc);
  pending.height.store(root.root.height);
  pending.flags.store(root.root.page.has_overflow ? kRootHasOverflow : 0);
  pending.prev_crc.store(root.prev_crc);
  pending.epoch.store(root.epoch);
}

PublishedRoot load_pending(const CheckpointRoot& pending) {
  PublishedRoot root;
  root.version = pending.version.load();
  root.lsn = pending.lsn.load();
  root.time_us = pending.time_us.load();
  root.root.page = {pending.pgno.load(), pending.crc.load(),
                    (pending.flags.load() & kRootHasOverflow) != 0};
  root.root.height = pending.height.load();
  root.prev_crc = pending.prev_crc.load();
  root.epoch = pending.epoch.load();
  return root;
}

// Chooses and pins the durable root; a pin left by a dead owner stands for its choice, unless it
// died before it knew that the pin came in time.
void choose(ControlBlock& control) {
  CheckpointLine& line = control.checkpoint;
  if (line.pending_chosen.load() == 0) line.pending_pin.store(0);
  while (line.pending_pin.load() == 0) {
    const PublishedRoot root = read_durable_root(control);
    store_pending(line.pending, root);
    line.pending_pin.store(root.version + 1, std::memory_order_seq_cst);
    const uint64_t floor = control.allocation.reclaim_floor.load(std::memory_order_seq_cst);
    if (root.version < floor) line.pending_pin.store(0);
  }
  line.pending_chosen.store(1);
}

// REQUIRES: the pages are synced.
Status write_checkpoint(const Context& context, const PublishedRoot& root) {
  ControlBlock& control = context.control();
  Meta meta = meta_of(root, context.store_id, control.checkpoint.number.load() + 1);
  meta.file_pages = control.allocation.file_pages.load();
  meta.written_us = context.os.wall_time_us();
  meta.named_count = named_count(control);
  HOLDFAST_TRY(write_meta(*context.data_file, context.page_shift, meta));
  return context.data_file->sync_data();
}

// The meta of the last checkpoint, as the kernel shows it now.
Result<Meta> meta_numbered(const Context& context, uint64_t number) {
  Superblock superblock;
  superblock.store_id = context.store_id;
  superblock.page_shift = context.page_shift;
  const int slot = static_cast<int>(number & 1);
  HOLDFAST_ASSIGN(const auto meta, read_meta(*context.data_file, superblock, slot));
  if (meta && meta->number == number) return *meta;
  return Status(StatusCode::kCorruption,
                "the disk lost the last checkpoint; close all handles and open the store again, "
                "which starts from the one before")
      .with_path(context.data_path())
      .with_offset(static_cast<uint64_t>(1 + slot) << context.page_shift);
}

// Writes every page of `root` that is younger than `version_before` once more, verified by its
// parent's checksum, unseen by what was verified before.
Status rewrite_new_pages(const Context& context, const tree::Root& root, uint64_t version_before) {
  HOLDFAST_ASSIGN(const auto fresh, fresh_pages(context));
  // Whoever was told is dead, and we may never be: what does not match now is what it lost.
  fresh->set_loss_inquiry([] { return true; });
  return tree::walk(*fresh, root, true, [&](const tree::VisitedRun& run) -> Result<bool> {
    if (run.birth_version <= version_before) return false;
    Status error;
    if (run.overflow != nullptr && fresh->load_run(*run.overflow, &error) == nullptr) {
      return error;
    }
    const std::string bytes(fresh->raw(run.pgno, run.count),
                            uint64_t{run.count} << context.page_shift);
    HOLDFAST_TRY(context.data_file->write_at(uint64_t{run.pgno} << context.page_shift, bytes));
    return true;
  });
}

// Needed when the owner of a checkpoint died, or somebody who asked the disk about pages: it may
// have been told that a sync failed, and the kernel tells only once. That sync was of all pages
// there were, so those behind the checkpoint's root are concerned, too, and the last meta.
// REQUIRES: APPLY held, for pages that no root has yet are found by nobody.
Status rewrite_doubtful_pages(const Context& context, const PublishedRoot& root) {
  ControlBlock& control = context.control();
  CHECK(!context.exclusive);  // nobody else can have died
  const uint64_t number = control.checkpoint.number.load();
  HOLDFAST_ASSIGN(const Meta last, meta_numbered(context, number));
  HOLDFAST_TRY(write_meta(*context.data_file, context.page_shift, last));
  HOLDFAST_TRY(context.data_file->sync_data());
  // The meta of a dead checkpoint may be on the disk: who loses power now must not find it, for a
  // sector that is being written may be torn, also if it is written with what it had.
  const int slot = static_cast<int>((number + 1) & 1);
  HOLDFAST_TRY(erase_meta(*context.data_file, context.page_shift, slot));
  HOLDFAST_TRY(context.data_file->sync_data());
  HOLDFAST_TRY(rewrite_new_pages(context, root.root, control.checkpoint.last_pin.load() - 1));
  return rewrite_new_pages(context, read_latest_root(control).root, root.version);
}

// Any store may be the last that this process makes; a repetition starts again at choose(), which
// finds the pin. Each pair shifts only once, because its second half says that it has.
void finish(const Context& context, const PublishedRoot& root) {
  ControlBlock& control = context.control();
  CheckpointLine& line = control.checkpoint;
  if (line.last_pin.load() != root.version + 1) {
    line.prev_pin.store(line.last_pin.load());
    line.last_pin.store(root.version + 1);
  }
  if (line.last_lsn.load() != root.lsn) {
    line.prev_lsn.store(line.last_lsn.load());
    line.last_lsn.store(root.lsn);
  }
  line.finished_us.store(context.os.monotonic_time_us());
  line.number.store(line.number.load() + 1);
  line.pending_chosen.store(0);
  line.pending_pin.store(0);
  control.counters.checkpoints.fetch_add(1);
}

// The first LSN that somebody still needs.
log::Lsn log_needed_from(const ControlBlock& control, log::Lsn checkpoint_lsn) {
  log::Lsn needed = checkpoint_lsn;
  const uint32_t used = std::min(control.reader_slots_used.load(), kReaderSlots);
  for (uint32_t i = 0; i < used; ++i) {
    const log::Lsn lsn = control.readers[i].lsn.load();
    if (lsn != 0) needed = std::min(needed, lsn);
  }
  return needed;
}

// Removes or re-uses segments that neither meta nor any reader needs.
Status trim_log(const Context& context) {
  ControlBlock& control = context.control();
  const log::Lsn checkpoint_lsn = control.checkpoint.prev_lsn.load();
  const log::Lsn needed = log_needed_from(control, checkpoint_lsn);
  const LockOutcome outcome = context.locks->prepare.try_lock(true);
  if (outcome == LockOutcome::kNotNow) return Status::ok();
  const LockGuard guard(context.locks->prepare);
  HOLDFAST_TRY(still_in_place(context));
  HOLDFAST_ASSIGN(const std::vector<uint64_t> numbers, context.segments->list());
  const uint64_t current = log::lsn_segment(read_tail(control.tail).lsn);
  for (const uint64_t number : numbers) {
    if (number >= log::lsn_segment(checkpoint_lsn)) break;
    const bool read = number >= log::lsn_segment(needed);
    if (read && number + kHeldSegmentsMax > log::lsn_segment(checkpoint_lsn)) break;
    const uint64_t future = control.state.prepared_segment.load() + 1;
    auto segment = context.segments->open(number);
    const bool reusable = segment && !read && future <= current + 2 &&
                          (*segment)->capacity() == context.segments->capacity(future);
    segment = Status(StatusCode::kClosed, "");
    if (!reusable) {
      HOLDFAST_TRY(context.segments->remove(number));
      continue;
    }
    // Past checkpoints may have been wrong about what is there; never over an existing name.
    context.segments->forget(future);
    if (context.segments->open(future)) break;
    HOLDFAST_TRY(context.segments->recycle(number, future));
    control.state.prepared_segment.store(future);
  }
  return Status::ok();
}

// The pages' fate is unknown and the pin stays; a cold start goes back to the last checkpoint and
// the log, which does not depend on this file.
Status give_up(const Context& context, const Status& why) {
  make_read_only(context.control());
  wake_all(context);
  return why;
}

// Brings the pages of `root` to the disk: written again, if they are in doubt, until nobody can
// have been told of a loss in our place. `silent` is who asked before, and in the end whose asking
// this made up for. Errors: Busy: somebody asks still, and the pin makes the next take over; else
// what gives up.
Status sync_pages(const Context& context, const PublishedRoot& root, bool in_doubt,
                  SilentInquirers* silent) {
  for (int round = 0; round < kSyncRoundsMax; ++round, in_doubt = true) {
    if (in_doubt) {
      HOLDFAST_TRY(lock_apply(context, context.deadline()));
      const ApplyGuard no_batch(context);
      const Status status = rewrite_doubtful_pages(context, root);
      if (!status) return give_up(context, status);
    }
    const Status status = context.data_file->sync_data();
    if (!status) return give_up(context, status);
    const SilentInquirers now = silent_inquirers(context, context.deadline());
    if (const Status said = writable(context); !said) return give_up(context, said);
    if (!anybody_new(context, *silent, now)) return Status::ok();
    *silent = now;
  }
  return Status(StatusCode::kBusy,
                "pages are being asked about again and again; try the checkpoint again");
}

// REQUIRES: CKPT held.
Status checkpoint_locked(const Context& context) {
  ControlBlock& control = context.control();
  HOLDFAST_TRY(writable(context));
  CheckpointLine& line = control.checkpoint;
  SilentInquirers silent = silent_inquirers(context, context.deadline());
  // Who fails leaves a store that only reads, so what is pending is a dead process's, or of one
  // that did not come to an end in time.
  const bool takeover = line.pending_pin.load() != 0 || silent != SilentInquirers{};
  if (!takeover && read_durable_root(control).lsn == line.last_lsn.load()) return Status::ok();
  HOLDFAST_TRY(data_whole(context));
  choose(control);
  const PublishedRoot root = load_pending(line.pending);
  HOLDFAST_TRY(sync_pages(context, root, takeover, &silent));
  const Status status = write_checkpoint(context, root);
  if (!status) return give_up(context, status);
  finish(context, root);
  forget_dead(context, silent);
  return trim_log(context);
}

}  // namespace

uint64_t log_bytes_since_checkpoint(const Context& context) {
  ControlBlock& control = context.control();
  const log::Lsn tail = read_tail(control.tail).lsn;
  const log::Lsn last = control.checkpoint.last_lsn.load();
  if (log::lsn_segment(tail) == log::lsn_segment(last)) return tail - last;
  const uint64_t segments = log::lsn_segment(tail) - log::lsn_segment(last);
  return segments * context.segments->capacity(log::lsn_segment(tail) - 1);
}

bool checkpoint_due(const Context& context) {
  const uint64_t bytes = log_bytes_since_checkpoint(context);
  const uint64_t bytes_max = context.options.checkpoint_log_bytes;
  if (bytes >= bytes_max) return true;
  if (bytes < kLogBytesWorthIt || bytes_max == ~uint64_t{0}) return false;
  const uint64_t finished_us = context.control().checkpoint.finished_us.load();
  return context.os.monotonic_time_us() - finished_us >= kBetweenUsMax;
}

Status lock_checkpoint(const Context& context, const Deadline& deadline) {
  const LockOutcome outcome = context.locks->checkpoint.lock(deadline);
  if (outcome == LockOutcome::kNotNow) return context.locks->checkpoint.busy();
  if (outcome == LockOutcome::kAcquired) return Status::ok();
  Status status = checkpoint_locked(context);
  if (!status) context.locks->checkpoint.unlock();
  return status;
}

Result<PublishedRoot> checkpoint_through(const Context& context, uint64_t version) {
  const CheckpointLine& line = context.control().checkpoint;
  HOLDFAST_TRY(checkpoint_locked(context));
  HOLDFAST_ASSIGN(const Meta meta, meta_numbered(context, line.number.load()));
  if (meta.version + 1 == line.last_pin.load() && meta.version >= version) return root_of(meta);
  return Status(StatusCode::kCorruption,
                "the checkpoint just written is not the one that is read; close all handles and "
                "open the store again")
      .with_path(context.data_path());
}

Status checkpoint(const Context& context, const Deadline& deadline) {
  const LockOutcome outcome = context.locks->checkpoint.lock(deadline);
  if (outcome == LockOutcome::kNotNow) return context.locks->checkpoint.busy();
  const LockGuard guard(context.locks->checkpoint);
  (void)settle_named(context, deadline);  // stays due
  return checkpoint_locked(context);
}

Result<bool> try_checkpoint(const Context& context) {
  if (context.locks->checkpoint.try_lock(true) == LockOutcome::kNotNow) return false;
  const LockGuard guard(context.locks->checkpoint);
  (void)settle_named(context, context.deadline());
  HOLDFAST_TRY(checkpoint_locked(context));
  return true;
}

}  // namespace holdfast::store
