#include "os/sim/area.h"

#include <sys/mman.h>

#include <cstring>
#include <vector>

#include "base/check.h"

namespace holdfast::sim {
namespace {

constexpr uint64_t kAreasPerReservation = 64;

// Zeroing is cheaper than a system call and the page faults after it, up to about here.
constexpr uint64_t kZeroedByHandMax = 64 * 1024;

std::vector<Area>& free_areas() {
  static auto* const areas = new std::vector<Area>;
  return *areas;
}

void reserve_areas() {
  constexpr uint64_t kSize = kAreaSize * kAreasPerReservation;
  void* const memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(memory != MAP_FAILED);
  // A huge page would be cleared in full for the first byte of a small file.
  madvise(memory, kSize, MADV_NOHUGEPAGE);
  madvise(memory, kSize, MADV_DONTDUMP);
  for (uint64_t i = kAreasPerReservation; i-- > 0;) {
    free_areas().push_back({static_cast<char*>(memory) + i * kAreaSize, kAreaSize});
  }
}

}  // namespace

Area take_area() {
  if (free_areas().empty()) reserve_areas();
  const Area area = free_areas().back();
  free_areas().pop_back();
  return area;
}

void give_back_area(Area area, uint64_t touched) {
  clear_area(area.begin, touched);
  free_areas().push_back(area);
}

void clear_area(char* area, uint64_t size) {
  if (size <= kZeroedByHandMax) {
    std::memset(area, 0, size);
  } else {
    CHECK(madvise(area, size, MADV_DONTNEED) == 0);
  }
}

void set_accessible(char* begin, uint64_t size, bool accessible) {
  CHECK(mprotect(begin, size, accessible ? PROT_READ | PROT_WRITE : PROT_NONE) == 0);
}

}  // namespace holdfast::sim
