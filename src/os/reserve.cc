#include "os/reserve.h"

#include <sys/mman.h>

#include "base/check.h"

namespace holdfast::os {

void* reserve_zeroed(size_t bytes) {
  CHECK(bytes > 0);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

void release_reserved(void* memory, size_t bytes) {
  if (memory != nullptr) CHECK(::munmap(memory, bytes) == 0);
}

}  // namespace holdfast::os
