// Context: what every part of an open store works on. Made by opening, owned by the Engine.
//
// Thread-safety: the members are set once while opening; what they point to says for itself.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "holdfast/store.h"
#include "log/segment.h"
#include "os/os.h"
#include "store/attachment.h"
#include "store/control.h"
#include "store/shared_lock.h"
#include "tree/page_source.h"

namespace holdfast::store {

// The six locks of control.h, named as messages name them.
struct Locks {
  Locks(os::Os& os, const Attachment& attachment, ControlBlock& control)
      : commit(os, attachment, control.commit_lock, "commit", 64),
        apply(os, attachment, control.apply_lock, "apply", 8),
        sync(os, attachment, control.sync_lock, "sync", 8),
        checkpoint(os, attachment, control.checkpoint_lock, "checkpoint"),
        prepare(os, attachment, control.prepare_lock, "segment preparation"),
        turn(os, attachment, control.turn_lock, "turn") {}
  SharedLock commit;
  SharedLock apply;
  SharedLock sync;
  SharedLock checkpoint;
  SharedLock prepare;
  SharedLock turn;
};

struct Context {
  Context(os::Os& os_in, std::string path_in, const StoreOptions& options_in)
      : os(os_in), path(std::move(path_in)), options(options_in) {}

  os::Os& os;
  const std::string path;
  const StoreOptions options;
  std::array<char, 16> store_id{};
  uint32_t page_shift = 0;
  uint64_t segment_capacity_max = 0;
  uint64_t incarnation = 0;  // of the control block; 0 until it is attached to

  bool trusted = true;                     // the file system's locks, shared memory and mappings
  bool exclusive = false;                  // see exclusive.h; then these two may stay null:
  std::unique_ptr<os::File> control_file;  // the control block is private memory
  std::unique_ptr<os::Mapping> data_map;   // pages are read

  std::unique_ptr<os::File> lock_file;
  std::unique_ptr<os::File> data_file;
  std::unique_ptr<os::Mapping> control_map;
  std::unique_ptr<tree::PageSource> pages;
  std::unique_ptr<log::SegmentFiles> segments;
  std::unique_ptr<Attachment> attachment;
  std::unique_ptr<Locks> locks;

  // ok, or IoError: what the handle has mapped was lost, so what it has read cannot be believed. To
  // be asked behind the reads in question. Ok without a guard (os/guarded_os.h): there the process
  // ends instead.
  Status intact() const { return os.has_lost_memory() ? lost() : Status::ok(); }
  // The same of the control block alone: what is in the log is still what it was without `data`.
  // Without a guard, too, a control block that was cut and made as long again is told.
  Status connected() const {
    return os.has_lost_shared_memory() || !is_attached() ? lost() : Status::ok();
  }
  // Both.
  Status sound() const { return os.has_lost_memory() || !is_attached() ? lost() : Status::ok(); }
  Status lost() const;

  // Whether helper threads do what no call need wait for.
  bool has_helpers() const { return options.helper_thread && os.has_threads(); }
  // What attachment.h takes: nullptr where nobody else can be attached.
  os::File* attach_file() const { return exclusive ? nullptr : lock_file.get(); }
  ControlBlock& control() const { return *reinterpret_cast<ControlBlock*>(control_map->data()); }
  char* region(const Region& region) const { return control_map->data() + region.offset; }
  uint32_t page_size() const { return 1u << page_shift; }
  // About: segments that were rolled before they were full count as full ones.
  uint64_t log_bytes_between(log::Lsn from, log::Lsn to) const {
    const uint64_t rolls = log::lsn_segment(to) - log::lsn_segment(from);
    return rolls * segment_capacity_max + log::lsn_offset(to) - log::lsn_offset(from);
  }
  Deadline deadline() const { return {os, static_cast<uint64_t>(options.deadline.count()) * 1000}; }
  std::string data_path() const { return path + "/data"; }
  std::string control_path() const { return path + "/shm"; }
  std::string lock_path() const { return path + "/LOCK"; }
  std::string log_path() const { return path + "/wal"; }

 private:
  // Zeros in place of the control block are of no incarnation.
  bool is_attached() const {
    return incarnation == 0 ||
           control().header.incarnation.load(std::memory_order_relaxed) == incarnation;
  }
};

inline EngineState engine_state(const ControlBlock& control) {
  return static_cast<EngineState>(control.state.state.load());
}

// From one state to another; nothing if it is not in `from`: a store that only reads stays so.
inline void change_state(ControlBlock& control, EngineState from, EngineState to) {
  auto expected = static_cast<uint32_t>(from);
  control.state.state.compare_exchange(expected, static_cast<uint32_t>(to));
}

// Until the next cold start nothing is written any more.
inline void make_read_only(ControlBlock& control) {
  control.state.state.store(static_cast<uint32_t>(EngineState::kReadOnly));
}

// ok, or Corruption: somebody has cut the data file, and the store only reads from now on. To be
// asked before it is written to: that would make it as long again, with zeros in place of what was
// cut off, and no process that has seen those pages before would notice.
Status data_whole(const Context& context);

// ok, or IoError: the data file in the store's directory is not the one that was opened, so files
// that are found, made or removed there by name are not this store's. To be asked before that is
// done.
Status still_in_place(const Context& context);

}  // namespace holdfast::store
