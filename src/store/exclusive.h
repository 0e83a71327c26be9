// Exclusive mode: a store that one handle has for itself alone. For file systems whose locks or
// shared memory may lie between processes, and wherever a program asks for it.
//
// The control block is then private memory, made by a cold start at each opening; on a file system
// that lies the pages of `data` are read, not mapped. Commits, durability and crashes are as ever.
//
// Who: open.cc. Process-safety: that is what it is for.
// Invariants:
//   1. The attach lock (byte 0 of LOCK; flock where byte locks do nothing) is held exclusively for
//      the life of the handle, so nobody who takes it to open, shared or not, gets in.
//   2. A lock counts only after a second description has been refused it.
//   3. No control block is left that somebody could join: `shm` is a marker that says who has it.
#pragma once

#include <string>

#include "holdfast/store.h"
#include "store/context.h"

namespace holdfast::store {

struct SharingChoice {
  bool exclusive = false;
  os::FileSystem file_system;
};

// What the options and the file system under `path` make of it. Errors: Unsupported (it must be
// shared and cannot, or not even one process is safe there), Os's.
Result<SharingChoice> choose_sharing(os::Os& os, const std::string& path,
                                     const StoreOptions& options);

// Waits until nobody else has the store open, and keeps all others out until the handle closes.
// REQUIRES: context.lock_file is open. Errors: Busy (past the deadline; names the file system and
// what to do), Unsupported (no lock works there, or another kernel seems to have the store), Os's.
Status lock_alone(Context& context, const os::FileSystem& file_system);

// Replaces `shm` by the marker. REQUIRES: lock_alone().
Status place_marker(Context& context);
// Removes it when the handle closes in order. REQUIRES: place_marker().
Status remove_marker(const Context& context);

// For who opens shared: Unsupported if the marker says that another kernel has the store.
Status refuse_marked(const Context& context);

// Why the attach lock could not be had: the message of Busy.
Status busy_attaching(const Context& context);

}  // namespace holdfast::store
