// Watch: wakes when a commit of any process touches a range of keys, and says which keys.
//
// A watch reads the log from a cursor on: the version up to which its owner has seen everything.
// The cursor is a number that may be kept anywhere, also in the store in the same transaction as
// what was made of the changes; a watch that goes on from it later, in another process or after a
// crash, misses nothing. Waiting costs nothing until a commit touches the range.
//
// A strict handle's watch shows durable commits only; a batched one shows commits as they are
// appended, which loss of power (or a disk that fails) can still take back.
//
// Thread-safety: one thread at a time per object. Keeps its store open. Nothing may be used after
//   fork().
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "holdfast/status.h"

namespace holdfast {

struct WatchedKey {
  std::string key;
  bool deleted = false;
  // Every key in [key, range_end) was deleted, as far as it lies in the watched range; an empty
  // end: to the last key.
  bool is_range = false;
  std::string range_end = {};
};

// The keys in the range that one commit wrote, in the order of its operations.
struct WatchedCommit {
  uint64_t version = 0;
  uint64_t time_us = 0;  // since 1970
  std::string actor;
  std::vector<WatchedKey> keys;
};

struct WatchResult {
  // In order of their versions; empty when the time had passed.
  std::vector<WatchedCommit> commits;
  // Everything up to here has been seen.
  uint64_t cursor = 0;
  // True: the log no longer reaches back to where the watch stood (or the store was set back), so
  // commits up to `cursor` are missing here. Read the range anew, or compare snapshots
  // (holdfast/diff.h), then wait on.
  bool missed = false;
};

class Watch {
 public:
  class Impl;
  explicit Watch(std::unique_ptr<Impl> impl);  // see Store::watch
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  ~Watch();

  // The commits behind the cursor that touch the range, as soon as there is one, or nothing when
  // `timeout` has passed. At most about 1,000 commits, or 1 MiB of keys; the next call goes on.
  // Moves the cursor. Errors: Closed, Forked, ReadOnly (nothing will come any more: open the store
  // again and go on from the cursor), Corruption, IoError.
  Result<WatchResult> wait(std::chrono::milliseconds timeout);

  uint64_t cursor() const;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast
