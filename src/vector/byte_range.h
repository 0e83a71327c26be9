// How numbers from `least` to `most` become bytes: byte = number * per_scale + zero.
//
// Who: vector/ only. Thread-safety: pure functions.
#pragma once

#include <cmath>
#include <cstdint>

namespace holdfast::vector {

struct ByteRange {
  float scale = 0;
  float per_scale = 0;
  int32_t zero = 0;
};

// REQUIRES: least <= 0 <= most; so zero stays zero exactly.
inline ByteRange byte_range(float least, float most) {
  ByteRange range;
  range.scale = (most - least) / 255;
  if (!(range.scale > 1e-30f)) return {};
  range.per_scale = 1 / range.scale;
  range.zero = static_cast<int32_t>(std::lrint(-least * range.per_scale));
  return range;
}

}  // namespace holdfast::vector
