// Named snapshots: versions that stay readable, across crashes and restarts, until their names are
// dropped. A name is an ordinary key of the tree, whose value says where the root of its version
// lies; the control block holds a copy of the versions that are named, for reclaim.
//
// Creating: the version is checkpointed, so that its pages are on the disk; it is pinned in the
// control block; then a transaction writes the name. Dropping: a transaction removes the name; when
// that is durable, the pin goes. Both hold CHECKPOINT all the while.
//
// Who: store/ (engine, recovery, checkpoint, check).
// Invariants:
//   1. Every version that a durable name, or one in the log, refers to is pinned.
//   2. A pin without a name is only there while CHECKPOINT is held or `unsettled` is set; the next
//      holder of CHECKPOINT settles it.
//   3. A name is written after a checkpoint at its version: its pages are on the disk before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/context.h"
#include "store/published.h"

namespace holdfast::store {

// The keys that begin with byte 0f are the engine's: so far only those of names.
inline constexpr std::string_view kOwnKeysBegin = "\x0f";
inline constexpr std::string_view kOwnKeysEnd = "\x10";

// The value of a name's key.
struct NamedValue {
  uint64_t version = 0;
  log::Lsn lsn = 0;  // behind the version's record
  uint64_t commit_time_us = 0;
  uint64_t created_us = 0;
  uint32_t root_pgno = 0;
  uint32_t root_crc = 0;
  uint32_t root_height = 0;
  uint32_t root_flags = 0;  // kRootHasOverflow
  uint32_t prev_crc = 0;
  uint32_t epoch = 0;
  uint32_t reserved = 0;
  uint32_t crc = 0;  // CRC-32C of the key, then of the bytes before
};
static_assert(sizeof(NamedValue) == 64 && offsetof(NamedValue, root_pgno) == 32 &&
              offsetof(NamedValue, crc) == 60);

struct Named {
  std::string name;
  PublishedRoot root;
  uint64_t created_us = 0;
};

// 0x0f 's' name.
std::string named_key(std::string_view name);
// All keys of names begin with this.
std::string_view named_prefix();
std::string named_value(const Named& named);
// nullopt when key or value is not that of a name, or damaged.
std::optional<Named> parse_named(std::string_view key, std::string_view value);
// Errors: InvalidArgument.
Status check_snapshot_name(std::string_view name);

// The names in the tree of `root`, in order; those that are damaged are left out and counted.
struct NamedList {
  std::vector<Named> named;
  uint64_t damaged = 0;
};
Result<NamedList> read_named(const Context& context, const tree::Root& root);

uint32_t named_count(const ControlBlock& control);
bool is_named(const ControlBlock& control, uint64_t version);
// Pins a version. Errors: TooLarge (no room). REQUIRES: CHECKPOINT held, or recovering; the version
// is pinned otherwise until this returns.
Status pin_name(ControlBlock& control, uint64_t version);
void unpin_name(ControlBlock& control, uint64_t version);

// Removes pins that no name stands for. REQUIRES: CHECKPOINT held. Errors: as flush().
Status settle_named(const Context& context, const Deadline& deadline);
// The same for what the tree of `root` names. REQUIRES: it is durable and the latest.
Status unpin_unnamed(const Context& context, const tree::Root& root);

// For each of `versions`, the pages that wait for it alone. Reads without a lock.
std::vector<uint64_t> pages_held_alone(const Context& context,
                                       const std::vector<uint64_t>& versions);

}  // namespace holdfast::store
