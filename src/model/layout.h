// Where everything stands in a model file; docs/format.md draws it.
//
// Who: model/ only. Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "model/model.h"

namespace holdfast::model {

constexpr uint64_t kMagic = 0x314c444f4d444c48;  // "HLDMODL1"
constexpr uint32_t kFormat = 1;
constexpr size_t kNameSize = 64;
constexpr size_t kAlignment = 64;

struct Header {
  uint64_t magic = kMagic;
  uint32_t format = kFormat;
  uint32_t crc = 0;   // CRC-32C of everything behind it
  uint64_t size = 0;  // of the file
  Shape shape;
  uint32_t zero = 0;
  char name[kNameSize] = {};
  char version[kNameSize] = {};
  char zeros[72] = {};
};
static_assert(sizeof(Header) == 256 && offsetof(Header, crc) == 12 &&
              offsetof(Header, shape) == 24 && offsetof(Header, name) == 56 &&
              offsetof(Header, version) == 120);
constexpr size_t kCrcEnd = 16;  // the checksum is of what follows

struct MatrixPlace {
  uint32_t inputs = 0, outputs = 0;
  uint64_t scales = 0, bias = 0, sums = 0, weights = 0;
};
struct NormPlace {
  uint32_t count = 0;
  uint64_t gain = 0, bias = 0;
};
// Offsets in the file.
struct Layout {
  uint64_t nodes = 0, scores = 0, row_scales = 0, rows = 0, places = 0;
  NormPlace norms[kNorms];
  MatrixPlace layers[kLayers];
  uint64_t size = 0;
};

// Inputs and outputs of a layer.
std::pair<uint32_t, uint32_t> size_of(const Shape& shape, Layer layer);
uint32_t size_of(const Shape& shape, Norm norm);
// REQUIRES: check_shape() is content.
Layout layout_of(const Shape& shape);

}  // namespace holdfast::model
