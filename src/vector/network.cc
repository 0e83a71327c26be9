#include "vector/network.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "vector/byte_range.h"
#include "vector/machine.h"
#include "vector/network_vnni.h"

// This file is compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vector/network.cc"
#include <hwy/foreach_target.h>
// Behind foreach_target.h:
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace holdfast::vector {
namespace HWY_NAMESPACE {
namespace {

// Pairs of products are added to the sum at their place on x86 only.
#if HWY_TARGET == HWY_SCALAR || !HWY_ARCH_X86

NetworkKernels own_network_kernels() {
  return plain_network_kernels();
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Wholes = hn::ScalableTag<int32_t>;
using Halves = hn::ScalableTag<int16_t>;
using FloatLanes = hn::Vec<Floats>;
using WholeLanes = hn::Vec<Wholes>;
using HalfLanes = hn::Vec<Halves>;

constexpr size_t kFloatLanes = HWY_LANES(float);
// A vector of halves has four inputs of each of so many outputs; two vectors of sums make one.
constexpr size_t kHalfOutputs = kFloatLanes / 2;
constexpr size_t kTileRows = 4;

// combine(i) for whole vectors, rest(i) for each of what is left over.
template <typename Combine, typename Rest>
HWY_INLINE void each(size_t count, const Combine& combine, const Rest& rest) {
  size_t i = 0;
  for (; i + kFloatLanes <= count; i += kFloatLanes) combine(i);
  for (; i < count; ++i) rest(i);
}

void row_to_bytes(const float* values, size_t count, ByteRange& range, uint16_t* out) {
  const Floats d;
  FloatLanes low = hn::Zero(d);
  FloatLanes high = hn::Zero(d);
  float least = 0;
  float most = 0;
  each(
      count,
      [&](size_t i) {
        const FloatLanes some = hn::LoadU(d, values + i);
        low = hn::Min(low, some);
        high = hn::Max(high, some);
      },
      [&](size_t i) {
        least = std::min(least, values[i]);
        most = std::max(most, values[i]);
      });
  least = std::min(least, hn::GetLane(hn::MinOfLanes(d, low)));
  most = std::max(most, hn::GetLane(hn::MaxOfLanes(d, high)));
  range = byte_range(least, most);
  const FloatLanes per_scale = hn::Set(d, range.per_scale);
  const WholeLanes zero = hn::Set(Wholes(), range.zero);
  const WholeLanes greatest = hn::Set(Wholes(), 255);
  const hn::Rebind<uint16_t, Floats> narrow;
  each(
      count,
      [&](size_t i) {
        const auto whole = hn::NearestInt(hn::Mul(hn::LoadU(d, values + i), per_scale));
        const auto byte = hn::Min(hn::Max(hn::Add(whole, zero), hn::Zero(Wholes())), greatest);
        hn::StoreU(hn::DemoteTo(narrow, byte), narrow, out + i);
      },
      [&](size_t i) {
        const long byte = std::lrint(values[i] * range.per_scale) + range.zero;
        out[i] = static_cast<uint16_t>(std::clamp(byte, 0l, 255l));
      });
}

void to_bytes(const float* values, size_t rows, size_t count, ByteRows& bytes) {
  bytes.values.resize(rows * count);
  bytes.scales.resize(rows);
  bytes.zeros.resize(rows);
  for (size_t row = 0; row < rows; ++row) {
    ByteRange range;
    row_to_bytes(values + row * count, count, range, bytes.values.data() + row * count);
    bytes.scales[row] = range.scale;
    bytes.zeros[row] = range.zero;
  }
}

// Four bytes of a row, as halves, for every output.
HWY_INLINE HalfLanes four_inputs(const uint16_t* values) {
  uint64_t four = 0;
  hwy::CopyBytes<sizeof(four)>(values, &four);
  return hn::BitCast(Halves(), hn::Set(hn::Repartition<uint64_t, Halves>(), four));
}

// The sums of kFloatLanes outputs, out of two vectors that have two for each.
HWY_INLINE WholeLanes joined(WholeLanes low, WholeLanes high) {
  return hn::Add(hn::ConcatEven(Wholes(), high, low), hn::ConcatOdd(Wholes(), high, low));
}

// A tile: kRows rows and the outputs of one vector of floats, which begin at `output`.
template <size_t kRows>
HWY_INLINE void apply_tile(const ByteMatrix& matrix, const ByteRows& bytes, size_t row,
                           size_t output, Finish finish, float* outputs) {
  static_assert(kRows <= kTileRows);
  const Wholes d;
  const hn::Rebind<int8_t, Halves> bytes_of_halves;
  const size_t inputs = matrix.inputs;
  const int8_t* weights = matrix.weights + output / kPanelOutputs * (inputs * kPanelOutputs) +
                          output % kPanelOutputs * kPanelInputs;
  const uint16_t* const values = bytes.values.data() + row * inputs;
  WholeLanes low[kRows];
  WholeLanes high[kRows];
  WholeLanes unused = hn::Zero(d);
  for (size_t r = 0; r < kRows; ++r) low[r] = high[r] = hn::Zero(d);
  for (size_t i = 0; i < inputs; i += kPanelInputs, weights += kPanelInputs * kPanelOutputs) {
    const auto some = hn::PromoteTo(Halves(), hn::LoadU(bytes_of_halves, weights));
    const auto more =
        hn::PromoteTo(Halves(), hn::LoadU(bytes_of_halves, weights + kHalfOutputs * kPanelInputs));
    for (size_t r = 0; r < kRows; ++r) {
      const HalfLanes four = four_inputs(values + r * inputs + i);
      low[r] = hn::ReorderWidenMulAccumulate(d, some, four, low[r], unused);
      high[r] = hn::ReorderWidenMulAccumulate(d, more, four, high[r], unused);
    }
  }
  const Floats f;
  const WholeLanes byte_sums = hn::LoadU(d, matrix.sums + output);
  const FloatLanes scales = hn::LoadU(f, matrix.scales + output);
  const FloatLanes bias = hn::LoadU(f, matrix.bias + output);
  for (size_t r = 0; r < kRows; ++r) {
    const WholeLanes zero = hn::Set(d, bytes.zeros[row + r]);
    const auto sum = hn::ConvertTo(f, hn::Sub(joined(low[r], high[r]), hn::Mul(zero, byte_sums)));
    const FloatLanes scale = hn::Mul(hn::Set(f, bytes.scales[row + r]), scales);
    FloatLanes value = hn::MulAdd(scale, sum, bias);
    float* const out = outputs + (row + r) * matrix.outputs + output;
    if (finish == Finish::kAdd) value = hn::Add(value, hn::LoadU(f, out));
    if (finish == Finish::kRamp) value = hn::Max(value, hn::Zero(f));
    hn::StoreU(value, f, out);
  }
}

// Outputs outside, rows inside: the weights of a tile stay in the nearest cache.
void apply(const ByteMatrix& matrix, const ByteRows& bytes, size_t rows, Finish finish,
           float* outputs) {
  for (size_t output = 0; output < matrix.outputs; output += kFloatLanes) {
    size_t row = 0;
    for (; row + kTileRows <= rows; row += kTileRows) {
      apply_tile<kTileRows>(matrix, bytes, row, output, finish, outputs);
    }
    for (; row < rows; ++row) apply_tile<1>(matrix, bytes, row, output, finish, outputs);
  }
}

HWY_INLINE float sum_of_lanes(FloatLanes lanes) {
  return hn::GetLane(hn::SumOfLanes(Floats(), lanes));
}

void normalize(const float* values, const float* gain, const float* bias, float variance_min,
               size_t count, float* out) {
  const Floats d;
  FloatLanes sums = hn::Zero(d);
  float sum = 0;
  each(
      count, [&](size_t i) { sums = hn::Add(sums, hn::LoadU(d, values + i)); },
      [&](size_t i) { sum += values[i]; });
  const float mean = (sum + sum_of_lanes(sums)) / static_cast<float>(count);
  const FloatLanes means = hn::Set(d, mean);
  FloatLanes square_sums = hn::Zero(d);
  float squares = 0;
  each(
      count,
      [&](size_t i) {
        const FloatLanes apart = hn::Sub(hn::LoadU(d, values + i), means);
        square_sums = hn::MulAdd(apart, apart, square_sums);
      },
      [&](size_t i) { squares += (values[i] - mean) * (values[i] - mean); });
  squares += sum_of_lanes(square_sums);
  const float per = 1 / std::sqrt(squares / static_cast<float>(count) + variance_min);
  const FloatLanes pers = hn::Set(d, per);
  each(
      count,
      [&](size_t i) {
        const FloatLanes apart = hn::Mul(hn::Sub(hn::LoadU(d, values + i), means), pers);
        hn::StoreU(hn::MulAdd(apart, hn::LoadU(d, gain + i), hn::LoadU(d, bias + i)), d, out + i);
      },
      [&](size_t i) { out[i] = (values[i] - mean) * per * gain[i] + bias[i]; });
}

void softmax(float* values, size_t count) {
  const Floats d;
  const float most = *std::max_element(values, values + count);
  const FloatLanes mosts = hn::Set(d, most);
  FloatLanes sums = hn::Zero(d);
  float sum = 0;
  each(
      count,
      [&](size_t i) {
        const FloatLanes power = hn::Exp(d, hn::Sub(hn::LoadU(d, values + i), mosts));
        sums = hn::Add(sums, power);
        hn::StoreU(power, d, values + i);
      },
      [&](size_t i) { sum += values[i] = std::exp(values[i] - most); });
  const float per = 1 / (sum + sum_of_lanes(sums));
  for (size_t i = 0; i < count; ++i) values[i] *= per;
}

float dot_floats(const float* a, const float* b, size_t count) {
  const Floats d;
  FloatLanes sums = hn::Zero(d);
  float sum = 0;
  each(
      count, [&](size_t i) { sums = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sums); },
      [&](size_t i) { sum += a[i] * b[i]; });
  return sum + sum_of_lanes(sums);
}

void add_scaled(float* sum, float factor, const float* values, size_t count) {
  const Floats d;
  const FloatLanes factors = hn::Set(d, factor);
  each(
      count,
      [&](size_t i) {
        hn::StoreU(hn::MulAdd(factors, hn::LoadU(d, values + i), hn::LoadU(d, sum + i)), d,
                   sum + i);
      },
      [&](size_t i) { sum[i] += factor * values[i]; });
}

NetworkKernels own_network_kernels() {
  static_assert(kPanelOutputs % kFloatLanes == 0);
  return {hwy::TargetName(HWY_TARGET), to_bytes, apply, normalize, softmax, dot_floats, add_scaled};
}

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace holdfast::vector
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace holdfast::vector {
namespace {

using MakeNetwork = NetworkKernels (*)();
constexpr MakeNetwork kEveryNetwork[] = {HWY_CHOOSE_TARGET_LIST(own_network_kernels),
                                         HWY_CHOOSE_FALLBACK(own_network_kernels)};

}  // namespace

std::vector<NetworkKernels> every_network_kernels() {
  std::vector<NetworkKernels> every;
  for (size_t i = 0; i < std::size(kEveryNetwork); ++i) {
    const bool is_fallback = i + 1 == std::size(kEveryNetwork);
    const bool fits =
        is_fallback || machine_has(int64_t{1} << (kBestTargetBit + static_cast<int>(i)));
    if (kEveryNetwork[i] != nullptr && fits) every.push_back(kEveryNetwork[i]());
  }
  if (const auto vnni = vnni_network_kernels(every.front())) every.insert(every.begin(), *vnni);
  return every;
}

const NetworkKernels& network_kernels() {
  static const NetworkKernels kChosen = every_network_kernels().front();
  return kChosen;
}

}  // namespace holdfast::vector
#endif  // HWY_ONCE
