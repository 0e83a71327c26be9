// What processes publish to each other through the control block: the log's tail and the trees.
// Writers hold the lock named in control.h; readers take none and read again when they were
// overtaken.
//
// Process- and thread-safety: reading from anywhere; publishing under the lock.
// Invariants:
//   1. A writer killed at any store leaves the previous value readable.
//   2. Tail and root sequences only grow; slot of a sequence is reused kRootRingSize later.
#pragma once

#include <cstdint>
#include <optional>

#include "log/reader.h"
#include "store/control.h"
#include "tree/tree.h"

namespace holdfast::store {

struct Tail {
  log::Lsn lsn = 0;
  uint64_t version = 0;
  uint64_t time_us = 0;
  uint64_t pages_needed = 0;
  log::Lsn last_lsn = 0;
  uint32_t prev_crc = 0;
  uint32_t epoch = 0;

  log::Position position() const { return {lsn, prev_crc, epoch, version, time_us}; }
};

Tail read_tail(const TailLine& line);
void publish_tail(TailLine& line, const Tail& tail);

struct PublishedRoot {
  uint64_t sequence = 0;
  uint64_t version = 0;
  log::Lsn lsn = 0;
  uint64_t time_us = 0;
  uint64_t pages_needed = 0;
  tree::Root root;
  uint32_t prev_crc = 0;
  uint32_t epoch = 0;

  log::Position position() const { return {lsn, prev_crc, epoch, version, time_us}; }
};

// The fields of an entry into memory of this process, and back; neither touches `sequence` of the
// entry.
PublishedRoot load_root(const RootEntry& entry);
void store_root(RootEntry& entry, const PublishedRoot& root);

// The root of `sequence`, or nullopt when its ring slot holds another by now.
std::optional<PublishedRoot> read_root(const ControlBlock& control, uint64_t sequence);
// The newest root, durable or not.
PublishedRoot read_latest_root(const ControlBlock& control);
// The newest root that power loss cannot take back.
PublishedRoot read_durable_root(const ControlBlock& control);
// Puts `root` into the ring and makes it the latest. Repeating it is harmless.
void publish_root(ControlBlock& control, const PublishedRoot& root);

}  // namespace holdfast::store
