// Area: memory at a fixed address for the bytes of one simulated file, so that every mapping of it,
// in every virtual process, is the same memory. Areas are pooled: a machine is made and thrown away
// thousands of times a second.
//
// Who: DiskFile. Not thread-safe.
// Invariants:
//   1. A taken area reads as zeros below `accessible_end`, and traps from there on.
//   2. It costs memory only where it is written, or where files of its kind usually are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::sim {

// The largest simulated file. Address space, not memory.
inline constexpr uint64_t kAreaSize = uint64_t{1} << 30;

// Whole pages of an area.
struct Extent {
  uint64_t begin;
  uint64_t end;
};

struct Area {
  char* begin = nullptr;
  uint64_t accessible_end = 0;  // whole pages
  // What was found touched before: zeroed by hand and kept, the rest goes back to the kernel.
  std::vector<Extent> warm = {};
  uint64_t clearings = 0;
};

// `kind`: areas go round among files of one kind, which are of like sizes and touched in like
// places.
Area take_area(const std::string& kind);

// `touched`: everything from there on still reads as zeros. REQUIRES: it is accessible.
void give_back_area(Area area, uint64_t touched, const std::string& kind);

// Zeros [begin, end). REQUIRES: it is accessible, and the rest of its last page reads as zeros.
void clear_area(Area& area, uint64_t begin, uint64_t end);

// The pages of [0, size) that have another byte than zero. REQUIRES: they are accessible.
std::vector<Extent> extents_of(const Area& area, uint64_t size);

// Whole pages of an area: touching them traps, or no longer does.
void set_accessible(char* begin, uint64_t size, bool accessible);

}  // namespace holdfast::sim
