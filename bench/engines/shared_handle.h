// SharedHandle: the store that all workers of one process use, where it has one owner.
//
// Thread-safe. The first session of a process opens the store, the last one closes it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

namespace holdfast::bench {

template <typename T>
class SharedHandle {
 public:
  std::shared_ptr<T> get(const std::function<std::shared_ptr<T>()>& open) {
    const std::lock_guard guard(mutex_);
    std::shared_ptr<T> handle = shared_.lock();
    if (!handle) shared_ = handle = open();
    return handle;
  }

 private:
  std::mutex mutex_;
  std::weak_ptr<T> shared_;
};

}  // namespace holdfast::bench
