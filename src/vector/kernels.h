// Kernels: the inner loops over vectors, compiled for several instruction sets; the best that the
// machine has is chosen once, when the program runs.
//
// Stored numbers are f32, little end first, at any alignment: `const char*`. Sums are in another
// order on each instruction set, so results differ by rounding.
//
// Who: search/. Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace holdfast::vector {

constexpr uint32_t kGroupSize = 64;  // vectors whose codes are scored at once

// What a query adds to a group's codes: the 16 sums of each four dimensions, scaled to 0 to 127, so
// that two of them fit a byte; for each eight dimensions (a row) the low four's table, then the
// high four's.
struct CodeQuery {
  std::vector<uint8_t> tables = {};  // 32 a row
  // bound = base + a + b * (scale * sum + offset) + error * slack
  float base = 0;
  float scale = 0;
  float offset = 0;
  float slack = 0;
  size_t rows() const { return tables.size() / 32; }
};

// A group as it is stored: f32 a, b and error of each of 64 vectors, then rows of 64 bytes: of each
// vector the bits of eight dimensions.
constexpr size_t group_size_bytes(size_t rows) {
  return kGroupSize * (3 * sizeof(float) + rows);
}

struct Kernels {
  const char* name;
  float (*dot)(const float* a, const char* b, size_t count);
  float (*distance_square)(const float* a, const char* b, size_t count);
  float (*square_sum)(const char* a, size_t count);
  // Walsh-Hadamard, in place, not normalised. REQUIRES: `count` is a power of two.
  void (*hadamard)(float* values, size_t count);
  // Writes the bound of each vector of a group; returns which are over `threshold`.
  uint64_t (*score_group)(const CodeQuery& query, const char* group, float threshold,
                          float* bounds);
};

// The best for this machine.
const Kernels& kernels();
// Plain loops, by which the others are tested.
const Kernels& plain_kernels();
// Those of every instruction set that this machine has, the best first; for tests.
std::vector<Kernels> every_kernels();

}  // namespace holdfast::vector
