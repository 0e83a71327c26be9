// One object in memory that this process shares with the children it forks afterwards; it survives
// a child's death by any signal. T holds atomics and plain bytes only.
#pragma once

#include <sys/mman.h>

#include <new>

#include "base/check.h"

namespace holdfast::process {

template <typename T>
class SharedArea {
 public:
  SharedArea() {
    void* memory =
        ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    object_ = new (memory) T();
  }
  ~SharedArea() { ::munmap(object_, sizeof(T)); }
  SharedArea(const SharedArea&) = delete;
  SharedArea& operator=(const SharedArea&) = delete;

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }

 private:
  T* object_;
};

}  // namespace holdfast::process
