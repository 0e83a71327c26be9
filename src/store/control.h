// The control block: the region of shared memory where the processes of one store meet. It is a
// cache of what the files say, valid for one boot: any process may die at any store to it, and
// the next holder of the lock concerned repairs or repeats the step.
//
// Who: store/ only. Every field is a lock-free atomic behind os::Shared.
// A zero-filled block is the valid initial state of everything but the header.
// Invariants (listed with all others in ARCHITECTURE.md):
//   1. `initialized` is stored last and only under the exclusive attach lock.
//   2. Each group of fields names the lock under which it is written; readers take none.
//   3. The block never holds the only copy of a commit: deleting it while nobody is attached
//      loses nothing that was synced.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "log/format.h"
#include "os/shared.h"

namespace holdfast::store {

using os::Shared;

constexpr uint64_t kControlMagic = 0x314d4853444c4f48;  // "HOLDSHM1"
constexpr uint32_t kProcessSlots = 1000;                // fits the 10 slot bits of a lock word
constexpr uint32_t kReaderSlots = 2048;
constexpr uint32_t kInquirers = 8;
constexpr uint32_t kRootRingSize = 4096;
constexpr uint32_t kEpochEnds = 64;

// Who holds a lock: the word of shared_lock.h. The rest is for stats, written by the holder.
struct alignas(64) LockLine {
  Shared<uint32_t> word;
  Shared<uint32_t> holders_died;  // take-overs
  Shared<uint64_t> since_us;      // when the last timed hold began, or the last take-over
  Shared<uint64_t> holds_timed;   // only some holds are timed: asking the clock costs
  Shared<uint64_t> held_us;       // sum over these
  Shared<uint64_t> held_us_max;
  Shared<uint64_t> waits;  // times that somebody slept before it got the lock
  Shared<uint64_t> waited_us;
};
static_assert(sizeof(LockLine) == 64);  // one cache line: its holder has it anyway

// Written under COMMIT: where the next record goes. Two copies; `sequence & 1` names the one that
// is valid, so that a writer killed half-way leaves the other.
struct TailCopy {
  Shared<uint64_t> lsn;
  Shared<uint64_t> version;
  Shared<uint64_t> time_us;
  Shared<uint64_t> pages_needed;  // sum over all records so far of their pages_max
  Shared<uint64_t> last_lsn;      // where the last record begins
  Shared<uint32_t> prev_crc;
  Shared<uint32_t> epoch;
};
struct alignas(64) TailLine {
  Shared<uint64_t> sequence;
  alignas(64) TailCopy copies[2];
};

// Written under SYNC: how far the log is on the disk.
struct alignas(64) SyncedLine {
  Shared<uint64_t> version;
  Shared<uint64_t> lsn;
  Shared<uint64_t> inflight_version;  // what the running sync will cover
  Shared<uint64_t> synced_us;
  Shared<uint64_t> generation;  // syncs completed
  Shared<uint64_t> running;     // generation that the last sync will complete, or has
};

// Where commits sleep; see waiters.h.
constexpr uint32_t kWaitLines = 4;
struct alignas(64) WaitLine {
  Shared<uint32_t> changes;  // the word slept on
  Shared<uint32_t> sleepers;
};

// A published tree. Ring slot `sequence % kRootRingSize`; the slot's sequence is stored last.
struct alignas(64) RootEntry {
  Shared<uint64_t> sequence;
  Shared<uint64_t> version;
  Shared<uint64_t> lsn;  // behind the last record that is applied
  Shared<uint64_t> time_us;
  Shared<uint64_t> pages_needed;  // TailCopy::pages_needed at `lsn`
  Shared<uint32_t> pgno;
  Shared<uint32_t> crc;
  Shared<uint32_t> height;
  Shared<uint32_t> flags;     // kRootHasOverflow
  Shared<uint32_t> prev_crc;  // chain value at `lsn`
  Shared<uint32_t> epoch;
};
constexpr uint32_t kRootHasOverflow = 1;

// `latest` is written under APPLY. `durable` is the newest root whose version is synced; anybody
// advances it.
struct alignas(64) RootsLine {
  Shared<uint64_t> latest;
  alignas(64) Shared<uint64_t> durable;
};

enum class EngineState : uint32_t {
  kRunning = 0,
  kVoiding = 1,   // a sync of the log failed: the tail is being voided
  kReadOnly = 2,  // durable state can be read; a cold start is needed to write again
};

struct alignas(64) StateLine {
  Shared<uint32_t> state;
  Shared<uint32_t> epoch;
  Shared<uint64_t> prepared_segment;       // highest log segment that exists (PREPARE)
  Shared<uint32_t> voided_epoch;           // the epoch whose tail is being voided (SYNC)
  Shared<uint32_t> inquirers[kInquirers];  // lock words of who asks the disk; see inquiry.h
};

// Written under APPLY. The bitmap (1: free) is the truth; the rest can be derived from it.
struct alignas(64) AllocationLine {
  Shared<uint64_t> file_pages;
  Shared<uint64_t> free_pages;
  Shared<uint64_t> hint;          // no free page below it
  Shared<uint64_t> retired_head;  // retired queue: entries [head, tail)
  Shared<uint64_t> retired_tail;
  Shared<uint64_t> held_count;   // entries that some snapshot still needed when looked at
  Shared<uint64_t> held_buffer;  // which of the two held buffers is valid
  Shared<uint64_t> leaked_pages;
  alignas(64) Shared<uint64_t> reclaim_floor;
  Shared<uint64_t> retired_pages;  // pages in the retired queue and the held buffer
  Shared<uint64_t> held_stamp;     // pins seen when the held buffer was last looked through
  Shared<uint64_t> bitmap_backed;  // bytes of each region that disk blocks stand behind
  Shared<uint64_t> extents_backed;
  Shared<uint64_t> retired_backed;
  Shared<uint64_t> held_backed[2];
  // headroom.h: commits may go on up to this sum of pages_needed, whatever is free.
  alignas(64) Shared<uint64_t> promised_needed;
};

// Written under CKPT. `pending` is pinned while its meta page may be on its way to the disk.
struct CheckpointRoot {
  Shared<uint64_t> version;
  Shared<uint64_t> lsn;
  Shared<uint64_t> time_us;
  Shared<uint32_t> pgno;
  Shared<uint32_t> crc;
  Shared<uint32_t> height;
  Shared<uint32_t> flags;
  Shared<uint32_t> prev_crc;
  Shared<uint32_t> epoch;
};
struct alignas(64) CheckpointLine {
  Shared<uint64_t> number;       // of the last complete checkpoint; its slot is number & 1
  Shared<uint64_t> pending_pin;  // version + 1; 0: none
  Shared<uint64_t> last_pin;     // version + 1 of the last checkpoint
  Shared<uint64_t> prev_pin;     // and of the one before
  Shared<uint64_t> last_lsn;
  Shared<uint64_t> prev_lsn;
  Shared<uint64_t> finished_us;
  Shared<uint64_t> pending_chosen;  // 1: `pending` and its pin are decided
  alignas(64) CheckpointRoot pending;
};

// Written under CHECKPOINT: the versions that named snapshots pin, as version + 1; 0: free. A copy
// of what the tree names, and never less than that; see named.h. More than may be named at once:
// recovery also pins what the log's end drops.
constexpr uint32_t kNamedPins = 128;
struct alignas(64) NamedLine {
  Shared<uint32_t> unsettled;  // 1: a pin may stand for a name that is not there
  Shared<uint32_t> pins_used;  // none beyond was ever used
  alignas(64) Shared<uint64_t> pins[kNamedPins];
};

// Written under APPLY. A redo record: while `state` is not idle, its holder had decided; whoever
// takes over repeats every step.
enum class IntentState : uint32_t { kIdle = 0, kPublishing = 1, kReclaiming = 2 };
struct alignas(64) IntentLine {
  Shared<uint32_t> state;
  Shared<uint32_t> unused;
  Shared<uint64_t> extent_count;  // kPublishing: pages taken; kReclaiming: pages freed
  Shared<uint64_t> free_pages_after;
  Shared<uint64_t> hint_after;
  Shared<uint64_t> retired_pages_after;
  Shared<uint64_t> retired_head_after;
  Shared<uint64_t> retired_tail_after;
  Shared<uint64_t> held_count_after;
  Shared<uint64_t> held_buffer_after;
  Shared<uint64_t> leaked_pages_after;
  alignas(64) RootEntry root;  // kPublishing: the entry to publish
};

struct alignas(64) CounterLine {
  Shared<uint64_t> commits;
  Shared<uint64_t> conflicts;
  alignas(64) Shared<uint64_t> syncs;
  alignas(64) Shared<uint64_t> applies;
  Shared<uint64_t> voids;
  Shared<uint64_t> checkpoints;
  Shared<uint64_t> retries;  // transactions that update() ran again
  Shared<uint64_t> turns;    // those that needed their turn
};

struct alignas(64) ProcessSlot {
  Shared<uint32_t> generation;  // 20 bits, never 0 once used; names one incarnation
  Shared<uint32_t> attached;
  Shared<uint64_t> pid;  // these four are for messages only
  Shared<uint64_t> start_ticks;
  Shared<uint64_t> pid_namespace_inode;
  Shared<uint64_t> attached_us;
};

// `pin` is version + 1, 0: nothing pinned. `owner` is a lock word; 0: slot free.
struct alignas(64) ReaderSlot {
  Shared<uint64_t> pin;
  Shared<uint64_t> lsn;  // log from here on is needed for validation; 0: none
  Shared<uint32_t> owner;
};

// Who waits for commits that touch a range of keys; see watch_slots.h.
constexpr uint32_t kWatchSlots = 256;
constexpr uint32_t kWatchKeyWords = 6;
struct alignas(64) WatchSlot {
  Shared<uint32_t> owner;    // a lock word; 0: slot free
  Shared<uint32_t> active;   // 1: the range is whole
  Shared<uint32_t> changes;  // the word slept on
  Shared<uint32_t> armed;    // 1: the owner sleeps, or is about to
  Shared<uint64_t> marked;   // no commit beyond this version is applied and touches the range
  Shared<uint64_t> woken;    // the durable version of the last waking
  Shared<uint32_t> sees_undurable;
  Shared<uint32_t> sizes;  // of begin, and of end << 16
  alignas(64) Shared<uint64_t> begin[kWatchKeyWords];
  Shared<uint64_t> end[kWatchKeyWords];
};
struct alignas(64) WatchLine {
  Shared<uint32_t> slots_used;  // none beyond was ever used
};

// Written under COMMIT; see touched.h.
constexpr uint32_t kTouchedKeys = 8192;
struct alignas(4096) TouchedLine {
  Shared<uint64_t> all;  // versions: of the last commit that counts for every key
  alignas(64) Shared<uint64_t> keys[kTouchedKeys];  // by hash, of each key's last one
};

struct alignas(4096) ControlHeader {
  Shared<uint64_t> magic;
  Shared<uint64_t> layout;  // sizes and counts of everything here
  Shared<uint64_t> boot_id[2];
  Shared<uint64_t> store_id[2];
  Shared<uint64_t> data_device;
  Shared<uint64_t> data_inode;
  Shared<uint64_t> lock_inode;   // of LOCK: who holds bytes of another file is not seen
  Shared<uint64_t> incarnation;  // random for each time the block is made
  Shared<uint32_t> page_shift;
  Shared<uint32_t> segment_capacity_max;
  Shared<uint32_t> initialized;
};

struct ControlBlock {
  ControlHeader header;
  LockLine commit_lock;  // lock order: TURN, CHECKPOINT, SYNC or APPLY, COMMIT, PREPARE
  LockLine apply_lock;
  LockLine sync_lock;
  LockLine checkpoint_lock;
  LockLine prepare_lock;
  LockLine turn_lock;
  TailLine tail;
  SyncedLine synced;
  RootsLine roots;
  WaitLine waits[kWaitLines];
  StateLine state;
  AllocationLine allocation;
  CheckpointLine checkpoint;
  NamedLine named;
  IntentLine intent;
  CounterLine counters;
  alignas(64) Shared<uint64_t> epoch_end_version[kEpochEnds];  // by epoch % kEpochEnds
  Shared<uint32_t> reader_slots_used;                          // none beyond was ever used
  WatchLine watches;
  alignas(4096) ProcessSlot processes[kProcessSlots];
  alignas(4096) ReaderSlot readers[kReaderSlots];
  alignas(4096) WatchSlot watch_slots[kWatchSlots];
  alignas(4096) RootEntry roots_ring[kRootRingSize];
  TouchedLine touched;
};

// Growable regions behind the block, each backed with disk blocks before it is touched.
struct RetiredEntry {
  Shared<uint64_t> run;    // pgno << 32 | count
  Shared<uint64_t> birth;  // version that wrote the pages
  Shared<uint64_t> death;  // version that no longer references them
};
constexpr uint64_t kPagesMax = 1ull << 28;  // 1 TiB of 4 KiB pages
constexpr uint64_t kRetiredCapacity = 1ull << 20;
constexpr uint64_t kHeldCapacity = 1ull << 20;
constexpr uint64_t kExtentCapacity = 1ull << 20;

struct Region {
  uint64_t offset;
  uint64_t size;
};
constexpr uint64_t round_to_page(uint64_t size) {
  return (size + 4095) & ~4095ull;
}
constexpr Region kBitmapRegion{round_to_page(sizeof(ControlBlock)), kPagesMax / 8};
constexpr Region kExtentRegion{kBitmapRegion.offset + kBitmapRegion.size, kExtentCapacity * 8};
constexpr Region kRetiredRegion{kExtentRegion.offset + kExtentRegion.size,
                                kRetiredCapacity * sizeof(RetiredEntry)};
constexpr Region kHeldRegions[2] = {
    {kRetiredRegion.offset + kRetiredRegion.size, kHeldCapacity * sizeof(RetiredEntry)},
    {kRetiredRegion.offset + kRetiredRegion.size + kHeldCapacity * sizeof(RetiredEntry),
     kHeldCapacity * sizeof(RetiredEntry)}};
constexpr uint64_t kControlFileSize = round_to_page(kHeldRegions[1].offset + kHeldRegions[1].size);

// Counts changes of what the fields mean that show in no size or place.
constexpr uint64_t kControlRevision = 2;

// A hash of every size, place and count above: two builds that differ in one cannot share a block.
constexpr uint64_t control_layout() {
  uint64_t hash = kControlMagic;
  for (const uint64_t value : std::initializer_list<uint64_t>{
           kControlRevision,
           sizeof(ControlBlock),
           kControlFileSize,
           kBitmapRegion.offset,
           kExtentRegion.offset,
           kRetiredRegion.offset,
           kHeldRegions[0].offset,
           sizeof(RetiredEntry),
           sizeof(TailCopy),
           sizeof(RootEntry),
           sizeof(ProcessSlot),
           sizeof(ReaderSlot),
           kProcessSlots,
           kReaderSlots,
           kRootRingSize,
           kEpochEnds,
           kWaitLines,
           offsetof(ControlBlock, tail),
           offsetof(ControlBlock, synced),
           offsetof(ControlBlock, roots),
           offsetof(ControlBlock, waits),
           offsetof(ControlBlock, state),
           offsetof(ControlBlock, allocation),
           offsetof(ControlBlock, checkpoint),
           offsetof(ControlBlock, intent),
           offsetof(ControlBlock, named),
           offsetof(ControlBlock, counters),
           offsetof(ControlBlock, watches),
           offsetof(ControlBlock, watch_slots),
           sizeof(WatchSlot),
           offsetof(ControlBlock, epoch_end_version),
           offsetof(ControlBlock, processes),
           offsetof(ControlBlock, readers),
           offsetof(ControlBlock, roots_ring),
           offsetof(ControlBlock, touched),
           kTouchedKeys,
       }) {
    hash = (hash ^ value) * 0x100000001b3;
  }
  return hash;
}
constexpr uint64_t kControlLayout = control_layout();

// Byte of the LOCK file: 0 is the attach lock, 1 + slot says that the slot's process lives, and the
// last one that whoever has the attach lock has the store for itself alone.
constexpr uint64_t kAttachByte = 0;
constexpr uint64_t liveness_byte(uint32_t slot) {
  return 1 + slot;
}
constexpr uint64_t kExclusiveByte = liveness_byte(kProcessSlots);

}  // namespace holdfast::store
