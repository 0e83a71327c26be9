// One object in memory that this process shares with the children it forks afterwards; it survives
// a child's death by any signal. T holds atomics and plain bytes only.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "base/check.h"

namespace holdfast::process {

template <typename T>
class SharedArea {
 public:
  SharedArea() : fd_(::memfd_create("holdfast", MFD_CLOEXEC)) {
    CHECK(fd_ >= 0 && ::ftruncate(fd_, sizeof(T)) == 0);
    object_ = new (map()) T();
  }
  // That of another process, whose descriptor of it was inherited.
  explicit SharedArea(int fd) : fd_(fd), object_(static_cast<T*>(map())) {}
  ~SharedArea() {
    ::munmap(object_, sizeof(T));
    ::close(fd_);
  }
  SharedArea(const SharedArea&) = delete;
  SharedArea& operator=(const SharedArea&) = delete;

  int fd() const { return fd_; }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }

 private:
  void* map() const {
    void* const memory = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
  }

  int fd_;
  T* object_ = nullptr;
};

}  // namespace holdfast::process
