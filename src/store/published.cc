#include "store/published.h"

#include <atomic>

namespace holdfast::store {

Tail read_tail(const TailLine& line) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  while (true) {
    const uint64_t sequence = line.sequence.load();
    const TailCopy& copy = line.copies[sequence & 1];
    Tail tail;
    tail.lsn = copy.lsn.load(kRelaxed);
    tail.version = copy.version.load(kRelaxed);
    tail.time_us = copy.time_us.load(kRelaxed);
    tail.pages_needed = copy.pages_needed.load(kRelaxed);
    tail.last_lsn = copy.last_lsn.load(kRelaxed);
    tail.prev_crc = copy.prev_crc.load(kRelaxed);
    tail.epoch = copy.epoch.load(kRelaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (line.sequence.load(kRelaxed) == sequence) return tail;
  }
}

void publish_tail(TailLine& line, const Tail& tail) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const uint64_t sequence = line.sequence.load(kRelaxed) + 1;
  TailCopy& copy = line.copies[sequence & 1];
  // A reader that still copies this half must see that the sequence has moved on.
  std::atomic_thread_fence(std::memory_order_release);
  copy.lsn.store(tail.lsn, kRelaxed);
  copy.version.store(tail.version, kRelaxed);
  copy.time_us.store(tail.time_us, kRelaxed);
  copy.pages_needed.store(tail.pages_needed, kRelaxed);
  copy.last_lsn.store(tail.last_lsn, kRelaxed);
  copy.prev_crc.store(tail.prev_crc, kRelaxed);
  copy.epoch.store(tail.epoch, kRelaxed);
  line.sequence.store(sequence);
}

PublishedRoot load_root(const RootEntry& entry) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  PublishedRoot root;
  root.version = entry.version.load(kRelaxed);
  root.lsn = entry.lsn.load(kRelaxed);
  root.time_us = entry.time_us.load(kRelaxed);
  root.pages_needed = entry.pages_needed.load(kRelaxed);
  root.root.page.pgno = entry.pgno.load(kRelaxed);
  root.root.page.crc = entry.crc.load(kRelaxed);
  root.root.page.has_overflow = (entry.flags.load(kRelaxed) & kRootHasOverflow) != 0;
  root.root.height = entry.height.load(kRelaxed);
  root.prev_crc = entry.prev_crc.load(kRelaxed);
  root.epoch = entry.epoch.load(kRelaxed);
  return root;
}

void store_root(RootEntry& entry, const PublishedRoot& root) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  entry.version.store(root.version, kRelaxed);
  entry.lsn.store(root.lsn, kRelaxed);
  entry.time_us.store(root.time_us, kRelaxed);
  entry.pages_needed.store(root.pages_needed, kRelaxed);
  entry.pgno.store(root.root.page.pgno, kRelaxed);
  entry.crc.store(root.root.page.crc, kRelaxed);
  entry.flags.store(root.root.page.has_overflow ? kRootHasOverflow : 0, kRelaxed);
  entry.height.store(root.root.height, kRelaxed);
  entry.prev_crc.store(root.prev_crc, kRelaxed);
  entry.epoch.store(root.epoch, kRelaxed);
}

std::optional<PublishedRoot> read_root(const ControlBlock& control, uint64_t sequence) {
  const RootEntry& entry = control.roots_ring[sequence % kRootRingSize];
  if (entry.sequence.load() != sequence) return std::nullopt;
  PublishedRoot root = load_root(entry);
  root.sequence = sequence;
  std::atomic_thread_fence(std::memory_order_acquire);
  if (entry.sequence.load(std::memory_order_relaxed) != sequence) return std::nullopt;
  return root;
}

PublishedRoot read_latest_root(const ControlBlock& control) {
  while (true) {
    if (auto root = read_root(control, control.roots.latest.load())) return *root;
  }
}

PublishedRoot read_durable_root(const ControlBlock& control) {
  while (true) {
    if (auto root = read_root(control, control.roots.durable.load())) return *root;
  }
}

void publish_root(ControlBlock& control, const PublishedRoot& root) {
  RootEntry& entry = control.roots_ring[root.sequence % kRootRingSize];
  if (entry.sequence.load() != root.sequence) {
    entry.sequence.store(0);
    std::atomic_thread_fence(std::memory_order_release);
    store_root(entry, root);
    entry.sequence.store(root.sequence);
  }
  // Sequentially consistent: whoever advances `synced` looks at `latest` afterwards, and the
  // other way round, so one of the two sees that the durable root can move.
  if (control.roots.latest.load() < root.sequence) {
    control.roots.latest.store(root.sequence, std::memory_order_seq_cst);
  }
}

}  // namespace holdfast::store
