// Area: memory at a fixed address for the bytes of one simulated file, so that every mapping of it,
// in every virtual process, is the same memory. Areas are pooled: a machine is made and thrown away
// thousands of times a second.
//
// Who: DiskFile. Not thread-safe.
// Invariants:
//   1. A taken area reads as zeros below `accessible_end`, and traps from there on.
//   2. It costs memory only where it is written.
#pragma once

#include <cstddef>
#include <cstdint>

namespace holdfast::sim {

// The largest simulated file. Address space, not memory.
inline constexpr uint64_t kAreaSize = uint64_t{1} << 30;

struct Area {
  char* begin;
  uint64_t accessible_end;  // whole pages
};

Area take_area();

// `touched`: everything from there on still reads as zeros. REQUIRES: it is accessible.
void give_back_area(Area area, uint64_t touched);

// Zeros [0, size) and frees the memory where that is cheaper.
void clear_area(char* area, uint64_t size);

// Whole pages of an area: touching them traps, or no longer does.
void set_accessible(char* begin, uint64_t size, bool accessible);

}  // namespace holdfast::sim
