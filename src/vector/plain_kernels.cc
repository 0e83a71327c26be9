#include "base/coding.h"
#include "vector/kernels.h"

namespace holdfast::vector {
namespace {

float at(const char* values, size_t i) {
  return load_le<float>(values + i * sizeof(float));
}

float dot(const float* a, const char* b, size_t count) {
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += a[i] * at(b, i);
  return sum;
}

float distance_square(const float* a, const char* b, size_t count) {
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += (a[i] - at(b, i)) * (a[i] - at(b, i));
  return sum;
}

float square_sum(const char* a, size_t count) {
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += at(a, i) * at(a, i);
  return sum;
}

void hadamard(float* values, size_t count) {
  for (size_t half = 1; half < count; half *= 2) {
    for (size_t i = 0; i < count; i += 2 * half) {
      for (size_t j = i; j < i + half; ++j) {
        const float low = values[j];
        const float high = values[j + half];
        values[j] = low + high;
        values[j + half] = low - high;
      }
    }
  }
}

uint64_t score_group(const CodeQuery& query, const char* group, float threshold, float* bounds) {
  const char* const codes = group + kGroupSize * 3 * sizeof(float);
  uint64_t over = 0;
  for (size_t i = 0; i < kGroupSize; ++i) {
    uint32_t sum = 0;
    for (size_t row = 0; row < query.rows(); ++row) {
      const auto code = static_cast<uint8_t>(codes[row * kGroupSize + i]);
      const uint8_t* const tables = query.tables.data() + row * 32;
      sum += uint32_t{tables[code & 15]} + tables[16 + (code >> 4)];
    }
    const float estimate = query.scale * static_cast<float>(sum) + query.offset;
    bounds[i] = query.base + at(group, i) + at(group, kGroupSize + i) * estimate +
                at(group, 2 * kGroupSize + i) * query.slack;
    if (bounds[i] > threshold) over |= uint64_t{1} << i;
  }
  return over;
}

}  // namespace

const Kernels& plain_kernels() {
  static constexpr Kernels kPlain = {"plain",    dot,      distance_square,
                                     square_sum, hadamard, score_group};
  return kPlain;
}

}  // namespace holdfast::vector
