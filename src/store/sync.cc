#include "store/sync.h"

#include <algorithm>
#include <cstring>

#include "store/apply.h"
#include "store/headroom.h"
#include "store/load.h"
#include "store/void_tail.h"
#include "store/waiters.h"

namespace holdfast::store {
namespace {

// How much of the log may wait to be applied. The larger the batch, the more writes share a page,
// so with a helper thread commits wait for it late: while it falls behind its batches grow, until
// it is as fast as the commits.
struct Backlog {
  uint64_t commits;
  uint64_t bytes;
};
constexpr Backlog kNone{0, 0};
constexpr Backlog kCommitApplies{1024, 1u << 20};  // if nobody does
constexpr Backlog kCommitWaits{4096, 4u << 20};
constexpr Backlog kHelperApplies{4096, 4u << 20};
constexpr Backlog kCommitWaitsForHelper{128u << 10, 32u << 20};

// So much that a strict commit applies it while it waits for another's sync: enough for its writes
// to share branches, little enough to be done when the sync is.
constexpr Backlog kGroup{64, 128u << 10};
constexpr Backlog kStrictHelperApplies{256, 512u << 10};
// More pages than so many small commits need: where that much waits, comparing two snapshots would
// read far more than what differs.
constexpr uint64_t kBulkPages = 512;
constexpr uint64_t kSmallCommitPages = 32;
// More than a handle that closes may leave: reading that costs who opens next 10 us.
constexpr Backlog kLeftover{32, 64u << 10};

// Commits sync themselves when so many are not synced; with a helper thread only if it is late, or
// there are so many that verifying them would take the next who opens over half a millisecond.
constexpr uint64_t kUnsyncedCommitsMax = 2048;
constexpr uint64_t kUnsyncedCommitsMaxHelped = 8u << 10;
constexpr uint64_t kHelperLateUs = 75'000;
constexpr uint64_t kUnsyncedAgeUsMax = 100'000;

// Calls visit(segment, first offset, end offset) for each segment that [from, to) touches.
template <typename Visit>
Status for_segments(const Context& context, log::Lsn from, log::Lsn to, Visit visit) {
  for (uint64_t number = log::lsn_segment(from); number <= log::lsn_segment(to); ++number) {
    auto segment = context.segments->open(number);
    if (!segment) return segment.status();
    // The header of a later segment belongs to the range; that of the first is durable.
    const uint64_t begin = number == log::lsn_segment(from) ? log::lsn_offset(from) : 0;
    const uint64_t end =
        number == log::lsn_segment(to) ? log::lsn_offset(to) : (*segment)->capacity();
    HOLDFAST_TRY(visit(**segment, begin, end));
  }
  return Status::ok();
}

// REQUIRES: SYNC held, state running.
Status sync_locked(const Context& context, bool takeover) {
  ControlBlock& control = context.control();
  const Tail tail = read_tail(control.tail);
  SyncedLine& synced = control.synced;
  if (tail.version <= synced.version.load()) return Status::ok();
  note_sync_begun(context, tail.version);
  const log::Lsn from = synced.lsn.load();
  const Status status = takeover ? rewrite_range(context, from, tail.lsn)
                                 : for_segments(context, from, tail.lsn,
                                                [](log::Segment& segment, uint64_t, uint64_t) {
                                                  return segment.file().sync_data();
                                                });
  if (!status) {
    control.state.voided_epoch.store(tail.epoch);
    change_state(control, EngineState::kRunning, EngineState::kVoiding);
    return status;
  }
  synced.lsn.store(tail.lsn);
  synced.synced_us.store(context.os.monotonic_time_us());
  synced.version.store(tail.version, std::memory_order_seq_cst);
  note_sync_ended(context);
  control.counters.syncs.store(control.counters.syncs.load() + 1, std::memory_order_relaxed);
  advance_durable(context);
  return Status::ok();
}

// What a commit waits for: that it is synced, or that the durable root covers it, too.
enum class Goal : uint8_t { kSynced, kSyncedMayApply, kInTree };

// What a waiter may still have to see happen.
enum class Outcome : uint8_t { kPending, kDurable, kVoided };

Outcome outcome(const Context& context, const Appended& commit, Goal goal) {
  ControlBlock& control = context.control();
  // The epoch moves before either version after a void: read in the opposite order.
  const uint64_t durable = goal == Goal::kInTree
                               ? read_durable_root(control).version
                               : control.synced.version.load(std::memory_order_seq_cst);
  const uint32_t epoch = control.state.epoch.load(std::memory_order_seq_cst);
  if (epoch != commit.epoch) {
    const uint64_t end = control.epoch_end_version[commit.epoch % kEpochEnds].load();
    return commit.version <= end ? Outcome::kDurable : Outcome::kVoided;
  }
  return durable >= commit.version ? Outcome::kDurable : Outcome::kPending;
}

Status voided(uint64_t version) {
  return Status(StatusCode::kAborted,
                "the disk failed to make the commit durable, and it was voided: it did not "
                "happen; check the disk and run the transaction again")
      .with_version(version);
}

// What keeps the tree from covering `commit`.
Status not_applied(const Context& context, const Appended& commit, const Status& cause) {
  const bool durable = outcome(context, commit, Goal::kSynced) == Outcome::kDurable;
  if (!durable || !context.connected()) return undecided(cause);
  Status status(cause.code(),
                "the commit is durable, in the log, but could not be written into the tree: " +
                    std::string(cause.message()));
  if (!cause.path().empty()) status = std::move(status).with_path(cause.path());
  if (!cause.offset()) return status;
  // The tree knows where in its file the page is, but not which file that is.
  if (cause.path().empty()) status = std::move(status).with_path(context.data_path());
  return std::move(status).with_offset(*cause.offset());
}

Status out_of_time(const Context& context, const Appended& commit) {
  Locks& locks = *context.locks;
  if (outcome(context, commit, Goal::kSynced) == Outcome::kDurable && context.connected()) {
    return not_applied(context, commit, locks.apply.busy());
  }
  const Status status = locks.sync.is_held_by_other() ? locks.sync.busy() : locks.apply.busy();
  return Status(StatusCode::kBusy,
                "whether the commit is durable is not known yet: " + std::string(status.message()));
}

// Applies up to `target`. Returns whether nobody else was at it.
Result<bool> try_apply(const Context& context, uint64_t target, bool probe) {
  if (!try_lock_apply(context, probe)) return false;
  const ApplyGuard guard(context);
  if (writable(context)) HOLDFAST_TRY(apply_through(context, target, log::Trust::kAccepted));
  return true;
}

}  // namespace

Status verify_range(const Context& context, log::Lsn from, log::Lsn to) {
  for (uint64_t number = log::lsn_segment(from); number <= log::lsn_segment(to); ++number) {
    HOLDFAST_ASSIGN(const auto segment, context.segments->open(number));
    log::Window window;
    window.enter(segment);
    bool whole = true;
    uint64_t offset = log::lsn_offset(from);
    if (number != log::lsn_segment(from)) {
      offset = log::kSegmentHeaderSize;
      HOLDFAST_ASSIGN(const std::string_view header, window.view(0, offset, ~0ull));
      whole =
          header.size() == offset && std::memcmp(header.data(), &segment->header(), offset) == 0;
    }
    uint64_t end = log::lsn_offset(to);
    if (number != log::lsn_segment(to)) {
      HOLDFAST_ASSIGN(const auto next, context.segments->open(number + 1));
      end = log::lsn_offset(next->header().prev_end_lsn);
    }
    while (whole && offset < end) {
      HOLDFAST_ASSIGN(const auto record, window.record(offset, end, nullptr));
      whole = record.has_value();
      if (whole) offset += log::record_size(record->header.payload_size);
    }
    if (!whole) {
      return Status(StatusCode::kIoError,
                    "the disk lost log records before they were synced; check the disk")
          .with_path(segment->path())
          .with_offset(offset);
    }
  }
  return Status::ok();
}

Status rewrite_range(const Context& context, log::Lsn from, log::Lsn to) {
  const auto rewrite = [](log::Segment& segment, uint64_t begin, uint64_t end) -> Status {
    constexpr uint64_t kPiece = 1u << 20;
    std::string bytes;
    for (uint64_t offset = begin; offset < end; offset += bytes.size()) {
      HOLDFAST_TRY(segment.read(offset, std::min(kPiece, end - offset), bytes));
      if (bytes.empty()) break;
      HOLDFAST_TRY(segment.file().write_at(offset, bytes));
    }
    return Status::ok();
  };
  HOLDFAST_TRY(for_segments(context, from, to, rewrite));
  // Dirty now, the bytes cannot fall back any more.
  HOLDFAST_TRY(verify_range(context, from, to));
  return for_segments(context, from, to, [](log::Segment& segment, uint64_t, uint64_t) {
    return segment.file().sync_data();
  });
}

Status undecided(const Status& cause) {
  const bool known = cause.code() == StatusCode::kBusy || cause.code() == StatusCode::kReadOnly ||
                     cause.code() == StatusCode::kCorruption;
  return Status(
      known ? cause.code() : StatusCode::kIoError,
      "the commit is in the log, but whether it will last is not known: " + cause.to_string());
}

Result<bool> try_sync(const Context& context, bool probe) {
  SharedLock& lock = context.locks->sync;
  const LockOutcome outcome = lock.try_lock(probe);
  if (outcome == LockOutcome::kNotNow) return false;
  Status status = writable(context);
  if (status) status = sync_locked(context, outcome == LockOutcome::kOwnerDied);
  if (!status && outcome == LockOutcome::kOwnerDied) {
    lock.unlock_unrepaired();
  } else {
    lock.unlock();
  }
  if (!status) {
    wake_all(context);
    return status;
  }
  wake_covered(context);
  wake_next_leader(context);
  append_note(context, context.control().synced.lsn.load());
  return true;
}

namespace {

// Whether so much waits to be applied.
bool unapplied_exceeds(const Context& context, const Backlog& backlog) {
  ControlBlock& control = context.control();
  const Tail tail = read_tail(control.tail);
  const uint64_t sequence = control.roots.latest.load();
  const RootEntry& latest = control.roots_ring[sequence % kRootRingSize];
  const uint64_t version = latest.version.load(std::memory_order_relaxed);
  const log::Lsn lsn = latest.lsn.load(std::memory_order_relaxed);
  if (tail.version <= version) return false;
  if (tail.version - version >= backlog.commits) return true;
  return context.log_bytes_between(lsn, tail.lsn) >= backlog.bytes;
}

// Applies what is synced or, if that does not cover `version`, what will be by the sync that runs:
// exactly as far as that goes, so that both complete the same group. Returns whether there was
// something, and nobody else at it.
Result<bool> apply_group(const Context& context, uint64_t version, bool probe) {
  const ControlBlock& control = context.control();
  uint64_t target = control.synced.version.load();
  if (target < version) target = std::max(target, control.synced.inflight_version.load());
  if (read_latest_root(control).version >= target) return false;
  return try_apply(context, target, probe);
}

Status wait_for(const Context& context, const Appended& commit, Goal goal,
                const Deadline& deadline) {
  ControlBlock& control = context.control();
  bool probe = false;
  while (true) {
    const WaitTicket ticket = take_ticket(control, commit.version);
    if (goal == Goal::kInTree) advance_durable(context);  // whoever should have may have died
    const Outcome now = outcome(context, commit, goal);
    // Behind the look at it: zeros would say that the commit was voided.
    if (const Status status = context.connected(); !status) return undecided(status);
    if (now == Outcome::kDurable) return Status::ok();
    if (now == Outcome::kVoided) return voided(commit.version);
    const EngineState state = engine_state(control);
    if (state == EngineState::kReadOnly) return undecided(writable(context));
    if (state == EngineState::kVoiding) {
      const Status cut = void_tail(context, deadline);
      if (!cut && (cut.code() != StatusCode::kBusy || deadline.passed())) return undecided(cut);
      continue;
    }
    const uint64_t applied = goal == Goal::kInTree ? read_latest_root(control).version : 0;
    // A root that covers the commit and is not durable ends in a later commit: that too.
    if (control.synced.version.load() < commit.version || applied >= commit.version) {
      const auto led = try_sync(context, probe);
      if (!led || *led) continue;  // an error changed the state, which decides above
    }
    if (goal == Goal::kInTree) {
      const auto tried = apply_group(context, commit.version, probe);
      if (!tried) return not_applied(context, commit, tried.status());
      if (*tried) continue;
    } else if (goal == Goal::kSyncedMayApply && unapplied_exceeds(context, kGroup)) {
      // Time that would be slept away. An error is for those to report who need the tree.
      const auto tried = apply_group(context, commit.version, probe);
      if (tried && *tried) continue;
    }
    if (deadline.passed()) return out_of_time(context, commit);
    probe = sleep_on(context, ticket, deadline);
  }
}

}  // namespace

Status wait_durable(const Context& context, const Appended& commit, const Deadline& deadline,
                    bool applies) {
  return wait_for(context, commit, applies ? Goal::kSyncedMayApply : Goal::kSynced, deadline);
}

Status wait_in_tree(const Context& context, const Appended& commit, const Deadline& deadline) {
  return wait_for(context, commit, Goal::kInTree, deadline);
}

void try_apply_synced(const Context& context) {
  const ControlBlock& control = context.control();
  const PublishedRoot root = read_latest_root(control);
  const Tail tail = read_tail(control.tail);  // behind the root: not before it
  const uint64_t commits = tail.version - std::min(tail.version, root.version);
  const uint64_t pages_small = kBulkPages + kSmallCommitPages * commits;
  const bool bulk = tail.pages_needed > root.pages_needed + pages_small;
  if (bulk || unapplied_exceeds(context, kCommitApplies)) (void)apply_group(context, 0, true);
}

Status apply_synced(const Context& context, const Deadline& deadline) {
  ControlBlock& control = context.control();
  // The version before the epoch: of a version that was synced in an earlier epoch a void leaves
  // nothing to wait for, and a newer epoch has it in its first root.
  const uint64_t version = control.synced.version.load(std::memory_order_seq_cst);
  if (read_durable_root(control).version >= version) return Status::ok();
  const uint32_t epoch = control.state.epoch.load(std::memory_order_seq_cst);
  return wait_in_tree(context, {version, epoch, control.synced.lsn.load()}, deadline);
}

Status flush(const Context& context, const Deadline& deadline) {
  ControlBlock& control = context.control();
  const Tail tail = read_tail(control.tail);
  return wait_in_tree(context, {tail.version, tail.epoch, tail.lsn}, deadline);
}

Status apply_tail(const Context& context, const Deadline& deadline) {
  ControlBlock& control = context.control();
  while (true) {
    const uint64_t target = read_tail(control.tail).version;
    if (read_latest_root(control).version >= target) return Status::ok();
    if (engine_state(control) == EngineState::kVoiding) {
      HOLDFAST_TRY(void_tail(context, deadline));
    }
    if (engine_state(control) == EngineState::kReadOnly) return Status::ok();
    if (root_ring_full(control)) HOLDFAST_TRY(flush(context, deadline));
    HOLDFAST_TRY(lock_apply(context, deadline));
    const ApplyGuard guard(context);
    if (writable(context)) HOLDFAST_TRY(apply_through(context, target, log::Trust::kAccepted));
  }
}

Status try_apply_tail(const Context& context) {
  return try_apply(context, read_tail(context.control().tail).version, true).status();
}

namespace {

bool helper_is_behind(const Context& context) {
  const auto load = load_bytes(context);
  return load ? *load >= kLoadWaitsBytes : unapplied_exceeds(context, kCommitWaitsForHelper);
}

Status bound_unapplied(const Context& context, bool helped) {
  if (!(helped ? helper_is_behind(context) : unapplied_exceeds(context, kCommitWaits))) {
    const bool applies = !helped && unapplied_exceeds(context, kCommitApplies);
    return applies ? try_apply_tail(context) : Status::ok();
  }
  if (helped) {
    // Whoever applies goes on after its batch: one process that knows the pages, not each in turn.
    HOLDFAST_TRY(lock_apply(context, context.deadline()));
    const ApplyGuard guard(context);
    if (!helper_is_behind(context)) return Status::ok();
  }
  return apply_tail(context, context.deadline());
}

Status bound_unsynced(const Context& context, bool helped) {
  ControlBlock& control = context.control();
  const SyncedLine& synced = control.synced;
  const uint64_t version = read_tail(control.tail).version;
  const uint64_t unsynced = version - std::min(version, synced.version.load());
  const auto older_than = [&](uint64_t age_us) {
    return context.os.monotonic_time_us() - synced.synced_us.load() >= age_us;
  };
  bool due = unsynced >= (helped ? kUnsyncedCommitsMaxHelped : kUnsyncedCommitsMax);
  if (helped) {
    due |= unsynced >= kUnsyncedCommitsMax && older_than(kHelperLateUs);
  } else {
    due |= unsynced > 0 && older_than(kUnsyncedAgeUsMax);
  }
  if (!due) return Status::ok();
  const auto led = try_sync(context, true);
  return led ? Status::ok() : led.status();
}

}  // namespace

Status try_apply_leftovers(const Context& context) {
  const bool much = unapplied_exceeds(context, kLeftover);
  return much ? try_apply_tail(context) : Status::ok();
}

bool apply_worth_it(const Context& context) {
  const auto load = load_bytes(context);
  const bool strict = context.options.durability == Durability::strict;
  const Backlog& backlog = strict ? kStrictHelperApplies : kHelperApplies;
  const bool much =
      load ? *load >= load_bytes_worth_applying(context) : unapplied_exceeds(context, backlog);
  return much || (unapplied_exceeds(context, kNone) && headroom_short(context));
}

Status bound_acknowledged(const Context& context) {
  if (!unapplied_exceeds(context, kCommitWaitsForHelper)) return Status::ok();
  return apply_tail(context, context.deadline());
}

Status bound_backlog(const Context& context, bool helped) {
  Status status = bound_unapplied(context, helped);
  if (status) status = bound_unsynced(context, helped);
  return status ? status : undecided(status);
}

}  // namespace holdfast::store
