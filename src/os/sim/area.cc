#include "os/sim/area.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "base/check.h"

namespace holdfast::sim {
namespace {

constexpr uint64_t kAreaPageSize = 4096;
constexpr uint64_t kAreasPerReservation = 64;

// Zeroing is cheaper than a system call and the page faults after it, up to about here.
constexpr uint64_t kZeroedByHandMax = 1024 * 1024;

// Pages between two that are warm are warm too: zeroing them is cheaper than one more system call.
constexpr uint64_t kWarmGapMax = 16 * kAreaPageSize;

using Areas = std::vector<Area>;

Areas& unused_areas() {
  static auto* const areas = new Areas;
  return *areas;
}

std::unordered_map<std::string, Areas>& free_areas() {
  static auto* const areas = new std::unordered_map<std::string, Areas>;
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
    unused_areas().push_back({static_cast<char*>(memory) + i * kAreaSize, kAreaSize});
  }
}

// The pages of [0, size) that may have another byte than zero: those that the kernel has memory
// for. All, where it does not say.
std::vector<Extent> backed_pages(const Area& area, uint64_t size) {
  constexpr uint64_t kPresentOrSwapped = uint64_t{3} << 62;
  constexpr size_t kEntriesMax = 4096;
  const uint64_t count = (size + kAreaPageSize - 1) / kAreaPageSize;
  const std::vector<Extent> all = {{0, count * kAreaPageSize}};
  const int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (map < 0) return all;
  std::vector<Extent> backed;
  const uint64_t first = reinterpret_cast<uintptr_t>(area.begin) / kAreaPageSize;
  std::array<uint64_t, kEntriesMax> entries;
  for (uint64_t page = 0; page < count;) {
    const size_t wanted = std::min<uint64_t>(kEntriesMax, count - page) * sizeof(uint64_t);
    const ssize_t got =
        pread(map, entries.data(), wanted, static_cast<off_t>((first + page) * sizeof(uint64_t)));
    if (got != static_cast<ssize_t>(wanted)) {
      close(map);
      return all;
    }
    for (size_t i = 0; i < wanted / sizeof(uint64_t); ++i, ++page) {
      if ((entries[i] & kPresentOrSwapped) == 0) continue;
      const uint64_t begin = page * kAreaPageSize;
      if (!backed.empty() && backed.back().end == begin) {
        backed.back().end += kAreaPageSize;
      } else {
        backed.push_back({begin, begin + kAreaPageSize});
      }
    }
  }
  close(map);
  return backed;
}

// What earlier files left warm is still backed, so the set only grows.
void find_warm_pages(Area& area, uint64_t size) {
  std::vector<Extent> backed = backed_pages(area, size);
  uint64_t backed_size = 0;
  for (const Extent& extent : backed) backed_size += extent.end - extent.begin;
  if (backed_size > kZeroedByHandMax) return;
  area.warm.clear();
  for (const Extent& extent : backed) {
    if (!area.warm.empty() && extent.begin - area.warm.back().end <= kWarmGapMax) {
      area.warm.back().end = extent.end;
    } else {
      area.warm.push_back(extent);
    }
  }
}

void give_back_pages(const Area& area, uint64_t begin, uint64_t end) {
  if (begin < end) CHECK(madvise(area.begin + begin, end - begin, MADV_DONTNEED) == 0);
}

}  // namespace

Area take_area(const std::string& kind) {
  Areas& areas = free_areas()[kind];
  if (areas.empty()) {
    if (unused_areas().empty()) reserve_areas();
    areas.push_back(unused_areas().back());
    unused_areas().pop_back();
  }
  Area area = std::move(areas.back());
  areas.pop_back();
  return area;
}

void give_back_area(Area area, uint64_t touched, const std::string& kind) {
  clear_area(area, 0, touched);
  free_areas()[kind].push_back(std::move(area));
}

void clear_area(Area& area, uint64_t begin, uint64_t end) {
  if (end - begin <= kZeroedByHandMax) {
    std::memset(area.begin + begin, 0, end - begin);
    return;
  }
  // Asking costs as much as clearing ten times: at first, then ever more rarely.
  const uint64_t number = ++area.clearings;
  const bool is_power_of_four = std::has_single_bit(number) && std::countr_zero(number) % 2 == 0;
  if (is_power_of_four) find_warm_pages(area, end);
  uint64_t done = (begin + kAreaPageSize - 1) / kAreaPageSize * kAreaPageSize;
  std::memset(area.begin + begin, 0, done - begin);
  for (const Extent& warm : area.warm) {
    if (warm.end > end) break;
    if (warm.end <= done) continue;
    const uint64_t warm_begin = std::max(warm.begin, done);
    give_back_pages(area, done, warm_begin);
    std::memset(area.begin + warm_begin, 0, warm.end - warm_begin);
    done = warm.end;
  }
  give_back_pages(area, done, end);
}

std::vector<Extent> extents_of(const Area& area, uint64_t size) {
  std::vector<Extent> extents;
  for (const Extent& backed : backed_pages(area, size)) {
    for (uint64_t begin = backed.begin; begin < backed.end; begin += kAreaPageSize) {
      const char* const page = area.begin + begin;
      if (page[0] == 0 && std::memcmp(page, page + 1, kAreaPageSize - 1) == 0) continue;
      if (!extents.empty() && extents.back().end == begin) {
        extents.back().end += kAreaPageSize;
      } else {
        extents.push_back({begin, begin + kAreaPageSize});
      }
    }
  }
  return extents;
}

void set_accessible(char* begin, uint64_t size, bool accessible) {
  CHECK(mprotect(begin, size, accessible ? PROT_READ | PROT_WRITE : PROT_NONE) == 0);
}

}  // namespace holdfast::sim
