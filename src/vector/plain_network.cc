#include <algorithm>
#include <cmath>

#include "vector/byte_range.h"
#include "vector/network.h"

namespace holdfast::vector {
namespace {

void to_bytes(const float* values, size_t rows, size_t count, ByteRows& bytes) {
  bytes.values.resize(rows * count);
  bytes.scales.resize(rows);
  bytes.zeros.resize(rows);
  for (size_t row = 0; row < rows; ++row) {
    const float* const from = values + row * count;
    float least = 0;
    float most = 0;
    for (size_t i = 0; i < count; ++i) {
      least = std::min(least, from[i]);
      most = std::max(most, from[i]);
    }
    const ByteRange range = byte_range(least, most);
    bytes.scales[row] = range.scale;
    bytes.zeros[row] = range.zero;
    for (size_t i = 0; i < count; ++i) {
      const long byte = std::lrint(from[i] * range.per_scale) + range.zero;
      bytes.values[row * count + i] = static_cast<uint16_t>(std::clamp(byte, 0l, 255l));
    }
  }
}

void apply(const ByteMatrix& matrix, const ByteRows& bytes, size_t rows, Finish finish,
           float* outputs) {
  for (size_t row = 0; row < rows; ++row) {
    for (uint32_t o = 0; o < matrix.outputs; ++o) {
      int32_t sum = -bytes.zeros[row] * matrix.sums[o];
      for (uint32_t i = 0; i < matrix.inputs; ++i) {
        sum += bytes.values[row * matrix.inputs + i] *
               matrix.weights[weight_place(matrix.inputs, o, i)];
      }
      const float value =
          bytes.scales[row] * matrix.scales[o] * static_cast<float>(sum) + matrix.bias[o];
      float& out = outputs[row * matrix.outputs + o];
      if (finish == Finish::kAdd) {
        out += value;
      } else {
        out = finish == Finish::kRamp ? std::max(value, 0.0f) : value;
      }
    }
  }
}

void normalize(const float* values, const float* gain, const float* bias, float variance_min,
               size_t count, float* out) {
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  const float mean = sum / static_cast<float>(count);
  float squares = 0;
  for (size_t i = 0; i < count; ++i) squares += (values[i] - mean) * (values[i] - mean);
  const float per = 1 / std::sqrt(squares / static_cast<float>(count) + variance_min);
  for (size_t i = 0; i < count; ++i) out[i] = (values[i] - mean) * per * gain[i] + bias[i];
}

void softmax(float* values, size_t count) {
  const float most = *std::max_element(values, values + count);
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i] = std::exp(values[i] - most);
  for (size_t i = 0; i < count; ++i) values[i] /= sum;
}

float dot_floats(const float* a, const float* b, size_t count) {
  float sum = 0;
  for (size_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(float* sum, float factor, const float* values, size_t count) {
  for (size_t i = 0; i < count; ++i) sum[i] += factor * values[i];
}

}  // namespace

const NetworkKernels& plain_network_kernels() {
  static constexpr NetworkKernels kPlain = {"plain", to_bytes,   apply,     normalize,
                                            softmax, dot_floats, add_scaled};
  return kPlain;
}

}  // namespace holdfast::vector
