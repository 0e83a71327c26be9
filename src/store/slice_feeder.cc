#include "store/slice_feeder.h"

#include <system_error>

namespace holdfast::store {

SliceFeeder::SliceFeeder(Slices& slices, bool has_thread) : slices_(slices) {
  if (!has_thread) return;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // No more threads are to be had: next() loads.
  }
}

SliceFeeder::~SliceFeeder() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SliceFeeder::run() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    // One slice is in use, the other one loaded: the third must wait for the first.
    changed_.wait(lock, [&] { return stopping_ || loaded_ <= returned_; });
    if (stopping_) return;
    Slice& slice = slice_[loaded_ % 2];
    lock.unlock();
    const Result<bool> more = slices_.next(slice);
    lock.lock();
    if (more && *more) {
      ++loaded_;
    } else {
      ended_ = true;
      error_ = more.status();
    }
    changed_.notify_all();
  }
}

Result<const Slice*> SliceFeeder::next() {
  if (!thread_.joinable()) {
    HOLDFAST_ASSIGN(const bool more, slices_.next(slice_[0]));
    return more ? &slice_[0] : nullptr;
  }
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ended_ || loaded_ > returned_; });
  if (loaded_ == returned_) {
    HOLDFAST_TRY(Status(error_));
    return static_cast<const Slice*>(nullptr);
  }
  const Slice* const slice = &slice_[returned_++ % 2];
  changed_.notify_all();
  return slice;
}

}  // namespace holdfast::store
