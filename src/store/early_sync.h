// EarlySync: brings to the disk what is written to a file while it is still being written, so that
// the sync at the end finds little left. Beside a load the processor makes the next pages while the
// disk takes these.
//
// Who: bulk_load.cc. One thread calls it.
// Invariants:
//   1. The kernel tells of an error once: finish() tells that a sync of this object failed. What is
//      in the file is not to be believed then.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>

#include "os/os.h"

namespace holdfast::store {

class EarlySync {
 public:
  // The file must outlive the object.
  EarlySync(os::Os& os, os::File& file) : file_(file), has_threads_(os.has_threads()) {}
  ~EarlySync() { (void)finish(); }
  EarlySync(const EarlySync&) = delete;
  EarlySync& operator=(const EarlySync&) = delete;

  // So much more has been written.
  void wrote(uint64_t bytes) {
    if (!has_threads_) return;
    const std::lock_guard lock(mutex_);
    unsynced_ += bytes;
    if (unsynced_ < kWorthIt) return;
    if (!thread_.joinable() && !start()) return;
    changed_.notify_one();
  }

  // Ends it. Errors: IoError, NoSpace: one of the syncs failed.
  Status finish() {
    {
      const std::lock_guard lock(mutex_);
      finished_ = true;
      changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
    return status_;
  }

 private:
  static constexpr uint64_t kWorthIt = 8u << 20;

  // False: no thread is to be had; the sync at the end does it all.
  bool start() {
    try {
      thread_ = std::thread(&EarlySync::run, this);
    } catch (const std::exception&) {
      return false;
    }
    return true;
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return finished_ || unsynced_ >= kWorthIt; });
      if (finished_) return;
      unsynced_ = 0;
      lock.unlock();
      Status status = file_.sync_data();
      lock.lock();
      if (status) continue;
      status_ = std::move(status);
      return;
    }
  }

  os::File& file_;
  const bool has_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;
  bool finished_ = false;
  uint64_t unsynced_ = 0;
  Status status_;
};

}  // namespace holdfast::store
