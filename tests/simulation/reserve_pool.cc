// Tables of stores that are thrown away at once: os::reserve_zeroed() and release_reserved() of the
// simulation programs, which the linker puts in the place of the real ones (simulation.cmake). Each
// opening and each check of a simulated store has a table of 16 MiB, of which it touches a few
// pages: mapping and unmapping it was a fifth of the simulator's processor time.
//
// What is released reads as zeros, so whoever uses it afterwards would not notice. Therefore each
// eighth table is mapped and unmapped as ever, and all are where one case is repeated.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/check.h"

// The mangled names of holdfast::os::reserve_zeroed(size_t) and release_reserved(void*, size_t).
extern "C" {
void* __real__ZN8holdfast2os14reserve_zeroedEm(size_t bytes);
void __real__ZN8holdfast2os16release_reservedEPvm(void* memory, size_t bytes);
void* __wrap__ZN8holdfast2os14reserve_zeroedEm(size_t bytes);
void __wrap__ZN8holdfast2os16release_reservedEPvm(void* memory, size_t bytes);
}

namespace holdfast::sim {
namespace {

constexpr uint64_t kMappedEach = 8;

// Small stores touch a few pages at the beginning of each half of a table. These are zeroed by hand
// and kept, the rest goes back to the kernel.
constexpr size_t kKeptOfHalf = 16 * 1024;

void clear_half(char* begin, size_t size) {
  const size_t kept = std::min(size, kKeptOfHalf);
  std::memset(begin, 0, kept);
  if (kept < size) CHECK(madvise(begin + kept, size - kept, MADV_DONTNEED) == 0);
}

class ReservePool {
 public:
  void* take(size_t bytes) {
    const bool is_pooled = ++count_ % kMappedEach != 0 && !is_one_case_;
    std::vector<char*>& free = free_[bytes];
    char* memory = nullptr;
    if (is_pooled && !free.empty()) {
      memory = free.back();
      free.pop_back();
    } else {
      memory = static_cast<char*>(__real__ZN8holdfast2os14reserve_zeroedEm(bytes));
    }
    if (is_pooled && memory != nullptr) taken_.insert(memory);
    return memory;
  }

  void give_back(char* memory, size_t bytes) {
    if (taken_.erase(memory) == 0) {
      return __real__ZN8holdfast2os16release_reservedEPvm(memory, bytes);
    }
    constexpr size_t kPageSize = 4096;
    const size_t half = bytes / 2 / kPageSize * kPageSize;
    clear_half(memory, half);
    clear_half(memory + half, bytes - half);
    free_[bytes].push_back(memory);
  }

 private:
  const bool is_one_case_ = std::getenv("HOLDFAST_SIM_CASE") != nullptr;
  uint64_t count_ = 0;
  std::unordered_map<size_t, std::vector<char*>> free_;
  std::unordered_set<char*> taken_;
};

ReservePool& reserve_pool() {
  static auto* const pool = new ReservePool;
  return *pool;
}

}  // namespace
}  // namespace holdfast::sim

void* __wrap__ZN8holdfast2os14reserve_zeroedEm(size_t bytes) {
  return holdfast::sim::reserve_pool().take(bytes);
}

void __wrap__ZN8holdfast2os16release_reservedEPvm(void* memory, size_t bytes) {
  holdfast::sim::reserve_pool().give_back(static_cast<char*>(memory), bytes);
}
