// SharedArray: memory that a process shares with its children, made before they are forked.
//
// Process-safe as its elements are: use atomics, or one writer that is dead when others read.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <memory>

#include "bench/engine.h"

namespace holdfast::bench {

template <typename T>
class SharedArray {
 public:
  explicit SharedArray(size_t count) : count_(count) {
    void* memory = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(memory != MAP_FAILED, "no shared memory");
    items_ = static_cast<T*>(memory);
    std::uninitialized_value_construct_n(items_, count);
  }
  SharedArray(const SharedArray&) = delete;
  SharedArray& operator=(const SharedArray&) = delete;
  ~SharedArray() { munmap(items_, count_ * sizeof(T)); }

  T& operator[](size_t i) const { return items_[i]; }
  T* operator->() const { return items_; }
  size_t size() const { return count_; }

 private:
  size_t count_;
  T* items_;
};

}  // namespace holdfast::bench
