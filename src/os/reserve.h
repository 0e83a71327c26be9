// Private address space that reads as zeros and costs memory only where it is written.
//
// Who: rooms above os/ that need a large, sparsely used table. Thread-safety: any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "os/os.h"

namespace holdfast::os {

// `bytes` zero bytes, aligned to a page; nullptr when the address space is exhausted (ulimit -v).
void* reserve_zeroed(size_t bytes);

// Gives back what reserve_zeroed(bytes) returned; nullptr is allowed.
void release_reserved(void* memory, size_t bytes);

// Bytes of no particular content that are about to be filled: megabytes lie in large pages where
// the system has them, since touching each small one for the first time costs as much as filling
// it.
class LargeBytes {
 public:
  LargeBytes() = default;
  explicit LargeBytes(size_t size);
  LargeBytes(LargeBytes&& other) noexcept { *this = std::move(other); }
  LargeBytes& operator=(LargeBytes&& other) noexcept;
  ~LargeBytes();

  char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
  bool is_mapped_ = false;
};

// The same as a Mapping that no other process has. Errors: IoError (address space is exhausted).
Result<std::unique_ptr<Mapping>> map_private(size_t bytes);

}  // namespace holdfast::os
