#include "store/headroom.h"

#include <algorithm>

#include "store/append.h"
#include "store/apply.h"
#include "store/reclaim.h"

namespace holdfast::store {
namespace {

// Free pages to leave for the commits to come, so that they can be applied many at a time: half of
// what the tree has, and more in a small store, up to this.
constexpr uint64_t kSmallReserveBytesMax = 16u << 20;
constexpr uint64_t kSmallReserveFactor = 8;
constexpr int kReserveDoublingsMax = 6;

// A commit that waits for whoever applies looks whether there is room by now: soon at first, then
// twice as late each time, as dozens may wait and whoever applies needs the processor.
constexpr uint64_t kHeadroomLookUs = 200;
constexpr uint64_t kHeadroomLookUsMax = 5'000;

// What the disk promised is held against it every so many commits: another program may fill it, and
// a limit on the size of files may be this process's alone.
constexpr uint64_t kPromiseCheckedEvery = 16;

// Pages that everything in the log behind the published root may need, `tail` included.
uint64_t pages_unapplied(const ControlBlock& control, const Tail& tail) {
  const PublishedRoot latest = read_latest_root(control);
  const uint64_t needed =
      tail.pages_needed > latest.pages_needed ? tail.pages_needed - latest.pages_needed : 0;
  return needed;
}

// What to leave for others behind `pages_max`; more each time they were faster than this commit.
uint64_t reserve_pages(const Context& context, int attempt) {
  const AllocationLine& line = context.control().allocation;
  const uint64_t unused = line.free_pages.load() + line.retired_pages.load();
  const uint64_t live = line.file_pages.load() - std::min(line.file_pages.load(), unused);
  const uint64_t small =
      std::min(kSmallReserveFactor * live, uint64_t{kSmallReserveBytesMax} >> context.page_shift);
  const uint64_t reserve = std::max(small, live / 2);
  return reserve << std::min(attempt, kReserveDoublingsMax);
}

bool promise_stands(const Context& context, const Tail& tail) {
  if (tail.version % kPromiseCheckedEvery != 0) return true;
  return context.os.free_disk_bytes(context.data_path()) > kSpareBytes;
}

// Counts on the disk for what free pages do not cover, until the next root is published. False: it
// has too little. A promise that comes late, behind a publication, is of pages that were had then.
bool ask_disk(const Context& context, uint64_t pages_max) {
  ControlBlock& control = context.control();
  AllocationLine& line = control.allocation;
  const PublishedRoot latest = read_latest_root(control);
  const uint64_t free_pages = line.free_pages.load();
  const uint64_t file_pages = line.file_pages.load();
  const uint64_t file_pages_max = context.pages->page_count_max();
  const uint64_t free_bytes = context.os.free_disk_bytes(context.data_path());
  if (free_bytes <= kSpareBytes || file_pages >= file_pages_max) return false;
  const uint64_t disk_pages =
      std::min((free_bytes - kSpareBytes) / 2 >> context.page_shift, file_pages_max - file_pages);
  const uint64_t promised = latest.pages_needed + free_pages + disk_pages;
  if (read_tail(control.tail).pages_needed + pages_max > promised) return false;
  line.promised_needed.store(promised);
  return true;
}

// Makes room for `pages_max` more: applies, reclaims, and only then grows the file. REQUIRES: APPLY
// held.
Status make_headroom_locked(const Context& context, uint64_t pages_max, int attempt) {
  ControlBlock& control = context.control();
  HOLDFAST_TRY(writable(context));
  HOLDFAST_TRY(apply_through(context, read_tail(control.tail).version, log::Trust::kAccepted,
                             ApplyPace::kGivingWay));
  const Tail tail = read_tail(control.tail);
  const uint64_t reserve = reserve_pages(context, attempt);
  if (headroom_suffices(context, tail, pages_max + reserve)) return Status::ok();
  HOLDFAST_TRY(reclaim(context, ReclaimEffort::kThorough));
  const uint64_t needed = pages_unapplied(control, tail) + pages_max;
  const uint64_t free_pages = control.allocation.free_pages.load();
  if (free_pages >= needed + reserve) return Status::ok();
  if (ask_disk(context, pages_max)) {
    // Batches take what they need; ahead of need the file grows by the reserve only.
    if (free_pages < reserve) (void)grow_file(context, reserve - free_pages);
    return Status::ok();
  }
  Status grown = grow_file(context, needed + reserve - free_pages);
  if (grown || free_pages >= needed) return Status::ok();
  grown = grow_file(context, needed - free_pages);
  if (grown.code() != StatusCode::kNoSpace) return grown;
  // A segment that is being prepared in vain may have held the last of the disk.
  const LockOutcome outcome = context.locks->prepare.lock(context.deadline());
  if (outcome == LockOutcome::kNotNow) return context.locks->prepare.busy();
  const LockGuard guard(context.locks->prepare);
  return grow_file(context, needed - free_pages);
}

}  // namespace

bool headroom_suffices(const Context& context, const Tail& tail, uint64_t pages_max) {
  const ControlBlock& control = context.control();
  const bool promised = tail.pages_needed + pages_max <= control.allocation.promised_needed.load();
  if (promised && promise_stands(context, tail)) return true;
  // The root first: a tree is published behind the taking of its pages.
  const uint64_t needed = pages_unapplied(control, tail) + pages_max;
  return control.allocation.free_pages.load() >= needed;
}

Result<bool> make_headroom(const Context& context, uint64_t pages_max, int attempt,
                           const Deadline& deadline) {
  ControlBlock& control = context.control();
  if (ask_disk(context, pages_max)) return false;
  const auto made_by_another = [&](uint64_t reserve) {
    return headroom_suffices(context, read_tail(control.tail), pages_max + reserve);
  };
  SharedLock& lock = context.locks->apply;
  uint64_t look_us = kHeadroomLookUs;
  for (bool waited = false;; waited = true) {
    const bool last = deadline.passed();
    const LockOutcome outcome = lock.lock(Deadline(context.os, deadline.wait_us(look_us)));
    if (outcome == LockOutcome::kOwnerDied) redo_intent(context);
    if (outcome != LockOutcome::kNotNow) {
      const ApplyGuard guard(context);
      if (waited && made_by_another(reserve_pages(context, attempt) / 4)) return false;
      HOLDFAST_TRY(make_headroom_locked(context, pages_max, attempt));
      return true;
    }
    if (made_by_another(0)) return false;
    if (last) return lock.busy();
    look_us = std::min(2 * look_us, kHeadroomLookUsMax);
  }
}

bool headroom_short(const Context& context) {
  const ControlBlock& control = context.control();
  const uint64_t reserve = reserve_pages(context, 0) / 2;
  return !headroom_suffices(context, read_tail(control.tail), reserve) &&
         !ask_disk(context, reserve);
}

Status apply_and_replenish(const Context& context) {
  if (!try_lock_apply(context, true)) return Status::ok();
  const ApplyGuard guard(context);
  return make_headroom_locked(context, 0, 0);
}

}  // namespace holdfast::store
