#include "store/stats.h"

#include <algorithm>

#include "store/named.h"
#include "store/published.h"

namespace holdfast::store {
namespace {

constexpr size_t kReadersMax = 8;

void count_events(const ControlBlock& control, StoreStats& stats) {
  const CounterLine& counters = control.counters;
  stats.commits = counters.commits.load();
  stats.syncs = counters.syncs.load();
  stats.applies = counters.applies.load();
  stats.conflicts = counters.conflicts.load();
  stats.voids = counters.voids.load();
  stats.checkpoints = counters.checkpoints.load();
  stats.retries = counters.retries.load();
  stats.turns = counters.turns.load();
}

void add_locks(const Context& context, StoreStats& stats) {
  ControlBlock& control = context.control();
  const auto add = [&](const char* name, const LockLine& line) {
    LockStats lock;
    lock.name = name;
    if (const uint32_t word = line.word.load(); word != 0) {
      lock.holder = context.attachment->describe(word);
    }
    lock.takeovers = line.holders_died.load();
    lock.waits = line.waits.load();
    lock.waited_us = line.waited_us.load();
    lock.holds_timed = line.holds_timed.load();
    lock.held_us = line.held_us.load();
    lock.held_us_max = line.held_us_max.load();
    stats.takeovers += lock.takeovers;
    stats.locks.push_back(std::move(lock));
  };
  add("commit", control.commit_lock);
  add("apply", control.apply_lock);
  add("sync", control.sync_lock);
  add("checkpoint", control.checkpoint_lock);
  add("prepare", control.prepare_lock);
  add("turn", control.turn_lock);
}

// When the version after `version` became readable, as far as the ring of roots still knows: not
// earlier than a reader of `version` began to be in the way.
uint64_t replaced_us(const ControlBlock& control, uint64_t version) {
  uint64_t replaced = 0;
  const uint64_t durable = control.roots.durable.load();
  for (uint64_t ago = 0; ago < kRootRingSize && ago < durable; ++ago) {
    const auto root = read_root(control, durable - ago);
    if (!root || root->version <= version) break;
    replaced = root->time_us;
  }
  return replaced;
}

struct Pin {
  uint64_t version;
  log::Lsn lsn;
  uint32_t owner;
};

std::vector<Pin> read_pins(const ControlBlock& control) {
  std::vector<Pin> pins;
  const uint32_t used = std::min(control.reader_slots_used.load(), kReaderSlots);
  for (uint32_t i = 0; i < used; ++i) {
    const ReaderSlot& reader = control.readers[i];
    const uint64_t pin = reader.pin.load();
    if (pin != 0) pins.push_back({pin - 1, reader.lsn.load(), reader.owner.load()});
  }
  std::sort(pins.begin(), pins.end(),
            [](const Pin& a, const Pin& b) { return a.version < b.version; });
  return pins;
}

void add_readers(const Context& context, const std::vector<Pin>& pins, StoreStats& stats) {
  const ControlBlock& control = context.control();
  stats.readers = static_cast<uint32_t>(pins.size());
  const uint64_t now_us = context.os.wall_time_us();
  std::vector<uint64_t> versions;
  for (size_t i = 0; i < std::min(pins.size(), kReadersMax); ++i) {
    if (versions.empty() || versions.back() != pins[i].version) versions.push_back(pins[i].version);
  }
  const std::vector<uint64_t> held = pages_held_alone(context, versions);
  for (const Pin& pin : pins) {
    stats.oldest_pinned_version = std::min(stats.oldest_pinned_version, pin.version);
    if (stats.oldest_readers.size() == kReadersMax) continue;
    ReaderStats reader;
    reader.version = pin.version;
    const uint64_t since_us = replaced_us(control, pin.version);
    if (since_us != 0) reader.age_us_min = now_us - std::min(now_us, since_us);
    const auto version = std::lower_bound(versions.begin(), versions.end(), pin.version);
    reader.pages_held = held[static_cast<size_t>(version - versions.begin())];
    reader.keeps_log = pin.lsn != 0;
    reader.process = context.attachment->describe(pin.owner);
    stats.oldest_readers.push_back(std::move(reader));
  }
}

uint64_t bytes_between(const Context& context, log::Lsn from, log::Lsn to) {
  if (from >= to) return 0;
  uint64_t bytes = log::lsn_offset(to) - log::lsn_offset(from);
  for (uint64_t number = log::lsn_segment(from); number < log::lsn_segment(to); ++number) {
    if (const auto segment = context.segments->open(number)) bytes += (*segment)->capacity();
  }
  return bytes;
}

Status add_log(const Context& context, const std::vector<Pin>& pins, StoreStats& stats) {
  const ControlBlock& control = context.control();
  const log::Lsn tail = read_tail(control.tail).lsn;
  HOLDFAST_ASSIGN(const std::vector<uint64_t> numbers, context.segments->list());
  for (const uint64_t number : numbers) {
    const auto segment = context.segments->open(number);
    if (!segment) continue;  // removed meanwhile
    ++stats.log_segments;
    stats.log_bytes += (*segment)->capacity();
    if (number > log::lsn_segment(tail)) ++stats.log_segments_prepared;
  }
  log::Lsn needed = control.checkpoint.prev_lsn.load();
  stats.log_needed_by = "checkpoint";
  for (const Pin& pin : pins) {
    if (pin.lsn == 0 || pin.lsn >= needed) continue;
    needed = pin.lsn;
    stats.log_needed_by = "transaction of " + context.attachment->describe(pin.owner);
  }
  stats.log_bytes_needed = bytes_between(context, needed, tail);
  return Status::ok();
}

}  // namespace

Result<StoreStats> collect_stats(const Context& context) {
  const ControlBlock& control = context.control();
  StoreStats stats;
  const PublishedRoot durable = read_durable_root(control);
  const PublishedRoot latest = read_latest_root(control);
  const uint64_t synced = control.synced.version.load();
  stats.version = read_tail(control.tail).version;
  stats.durable_version = std::max(durable.version, synced);
  stats.oldest_pinned_version = stats.durable_version;
  stats.commits_unapplied = stats.version - std::min(stats.version, latest.version);
  stats.commits_unsynced = stats.version - std::min(stats.version, synced);
  count_events(control, stats);
  add_locks(context, stats);
  stats.file_pages = control.allocation.file_pages.load();
  stats.free_pages = control.allocation.free_pages.load();
  stats.retired_pages = control.allocation.retired_pages.load();
  stats.leaked_pages = control.allocation.leaked_pages.load();
  stats.tree_height = latest.root.height;
  stats.page_size_bytes = context.page_size();
  stats.processes = context.attachment->processes_alive();
  const uint64_t checkpoint_pin = control.checkpoint.last_pin.load();
  if (checkpoint_pin != 0) stats.checkpoint_version = checkpoint_pin - 1;
  const uint64_t now_us = context.os.monotonic_time_us();
  stats.checkpoint_age_us = now_us - std::min(now_us, control.checkpoint.finished_us.load());
  const std::vector<Pin> pins = read_pins(control);
  add_readers(context, pins, stats);
  HOLDFAST_TRY(add_log(context, pins, stats));
  return stats;
}

}  // namespace holdfast::store
