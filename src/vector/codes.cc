#include "vector/codes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"

namespace holdfast::vector {
namespace {

constexpr size_t kRounds = 3;

const char* bytes_of(std::span<const float> values) {
  return reinterpret_cast<const char*>(values.data());
}

// splitmix64 of a fixed start: stored codes depend on it.
std::vector<float> random_signs(size_t count) {
  std::vector<float> signs(count);
  uint64_t state = 0x686f6c6466617374;
  for (size_t i = 0; i < count; ++i) {
    state += 0x9e3779b97f4a7c15;
    uint64_t mixed = (state ^ state >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    signs[i] = (mixed ^ mixed >> 31) >> 63 == 0 ? 1.0f : -1.0f;
  }
  return signs;
}

void store(char* group, size_t of, size_t at, double value) {
  store_le(group + (of * kGroupSize + at) * sizeof(float), static_cast<float>(value));
}

}  // namespace

size_t code_rows(size_t dimension) {
  return (std::max(dimension, kCodeBitsMin) + 7) / 8;
}

double similarity(VectorMetric metric, std::span<const float> query, const char* stored) {
  const Kernels& kernel = kernels();
  if (metric == VectorMetric::l2) {
    return -0.5 * static_cast<double>(kernel.distance_square(query.data(), stored, query.size()));
  }
  const auto product = static_cast<double>(kernel.dot(query.data(), stored, query.size()));
  if (metric == VectorMetric::dot) return product;
  const double squares = static_cast<double>(kernel.square_sum(stored, query.size())) *
                         static_cast<double>(kernel.square_sum(bytes_of(query), query.size()));
  return std::clamp(product / std::sqrt(squares), -1.0, 1.0);
}

Encoder::Encoder(VectorMetric metric, std::vector<float> centre)
    : metric_(metric),
      centre_(std::move(centre)),
      kernels_(kernels()),
      signs_(random_signs(kRounds * 8 * code_rows(centre_.size()))),
      work_(8 * code_rows(centre_.size())) {
  CHECK(centre_.size() >= kDimensionMin && centre_.size() <= kDimensionMax);
}

void Encoder::move_to(std::vector<float> centre) {
  CHECK(centre.size() == centre_.size());
  centre_ = std::move(centre);
}

void Encoder::rotate() {
  const size_t bits = work_.size();
  const size_t window = std::bit_floor(bits);
  const float scale = 1 / std::sqrt(static_cast<float>(window));
  for (size_t round = 0; round < kRounds; ++round) {
    const float* const signs = signs_.data() + round * bits;
    for (size_t i = 0; i < bits; ++i) work_[i] *= signs[i];
    for (size_t begin : {size_t{0}, bits - window}) {
      kernels_.hadamard(work_.data() + begin, window);
      for (size_t i = begin; i < begin + window; ++i) work_[i] *= scale;
      if (window == bits) break;
    }
  }
}

void Encoder::encode(const char* stored, char* group, size_t at) {
  const size_t count = dimension();
  double scale = 1;
  if (metric_ == VectorMetric::cosine) {
    scale = 1 / std::sqrt(static_cast<double>(kernels_.square_sum(stored, count)));
  }
  double with_centre = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto value = load_le<float>(stored + i * sizeof(float));
    work_[i] = static_cast<float>(value * scale) - centre_[i];
    with_centre += static_cast<double>(work_[i]) * centre_[i];
  }
  std::fill(work_.begin() + static_cast<ptrdiff_t>(count), work_.end(), 0.0f);
  const double square = kernels_.square_sum(bytes_of(work_), count);
  store(group, 0, at, metric_ == VectorMetric::l2 ? -0.5 * square : with_centre);
  rotate();
  double sum = 0;
  for (const float value : work_) sum += std::fabs(value);
  if (sum > 0) {
    const auto bits = static_cast<double>(work_.size());
    const double cosine_square = sum * sum / (bits * square);
    store(group, 1, at, square / sum);
    store(group, 2, at, std::sqrt(square * std::max(0.0, 1 / cosine_square - 1) / (bits - 1)));
  }
  char* const codes = group + kGroupSize * 3 * sizeof(float);
  for (size_t i = 0; i < work_.size(); ++i) {
    if (work_[i] > 0) {
      char& code = codes[i / 8 * kGroupSize + at];
      code = static_cast<char>(static_cast<uint8_t>(code) | 1u << i % 8);
    }
  }
}

CodeQuery Encoder::query(std::span<const float> values, float deviations) {
  CHECK(values.size() == dimension());
  const size_t count = dimension();
  float scale = 1;
  if (metric_ == VectorMetric::cosine) {
    scale = 1 / std::sqrt(kernels_.square_sum(bytes_of(values), count));
  }
  for (size_t i = 0; i < count; ++i) work_[i] = values[i] * scale - centre_[i];
  std::fill(work_.begin() + static_cast<ptrdiff_t>(count), work_.end(), 0.0f);
  const float square = kernels_.square_sum(bytes_of(work_), count);
  const float with_centre = scale * kernels_.dot(values.data(), bytes_of(centre_), count);
  rotate();

  // A table's least entry has all four values against it, its greatest all for it.
  float range_max = 0;
  float offset = 0;
  for (size_t i = 0; i < work_.size(); i += 4) {
    float sum = 0;
    for (size_t j = i; j < i + 4; ++j) sum += std::fabs(work_[j]);
    range_max = std::max(range_max, 2 * sum);
    offset -= sum;
  }
  constexpr float kEntryMax = 127;  // so that two entries fit a byte
  const float steps = range_max > 0 ? kEntryMax / range_max : 0;
  CodeQuery query;
  query.tables.resize(work_.size() / 8 * 32);
  for (size_t i = 0; i < work_.size(); i += 4) {
    // Of no bit, then with each bit twice as many: against the value becomes for it.
    float sums[16] = {};
    for (size_t j = i; j < i + 4; ++j) sums[0] += std::fabs(work_[j]) - work_[j];
    for (size_t bit = 0; bit < 4; ++bit) {
      const size_t known = size_t{1} << bit;
      for (size_t code = 0; code < known; ++code) {
        sums[known + code] = sums[code] + 2 * work_[i + bit];
      }
    }
    uint8_t* const table = query.tables.data() + i / 4 * 16;
    for (size_t code = 0; code < 16; ++code) {
      table[code] = static_cast<uint8_t>(std::max(sums[code], 0.0f) * steps + 0.5f);
    }
  }
  query.scale = steps > 0 ? 1 / steps : 0;
  // Entries are rounded: each by a twelfth of a step squared, in the mean.
  const float rounding = query.scale * std::sqrt(static_cast<float>(work_.size()) / (4 * 12));
  query.offset = offset + deviations * rounding;
  query.slack = deviations * std::sqrt(square);
  query.base = metric_ == VectorMetric::l2 ? -0.5f * square : with_centre;
  return query;
}

}  // namespace holdfast::vector
