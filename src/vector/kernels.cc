#include "vector/kernels.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <iterator>

#include "vector/machine.h"

// This file is compiled once for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vector/kernels.cc"
#include <hwy/foreach_target.h>
// Behind foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace holdfast::vector {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR  // one lane: byte shuffles need 16

Kernels own_kernels() {
  return plain_kernels();
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using FloatLanes = hn::Vec<Floats>;

// From any alignment.
HWY_INLINE FloatLanes load(const char* bytes) {
  const Floats d;
  const hn::Repartition<uint8_t, Floats> as_bytes;
  return hn::BitCast(d, hn::LoadU(as_bytes, reinterpret_cast<const uint8_t*>(bytes)));
}

HWY_INLINE float last(const char* bytes, size_t i) {
  float value = 0;
  hwy::CopyBytes<sizeof(float)>(bytes + i * sizeof(float), &value);
  return value;
}

// The sum over i of step(sum, i) by lanes, four sums at once, and of rest(i) for what is left over.
template <typename Step, typename Rest>
HWY_INLINE float sum_of(size_t count, const Step& step, const Rest& rest) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  FloatLanes a = hn::Zero(d);
  FloatLanes b = a;
  FloatLanes c = a;
  FloatLanes e = a;
  size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    a = step(a, i);
    b = step(b, i + lanes);
    c = step(c, i + 2 * lanes);
    e = step(e, i + 3 * lanes);
  }
  for (; i + lanes <= count; i += lanes) a = step(a, i);
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
  for (; i < count; ++i) sum += rest(i);
  return sum;
}

float dot(const float* a, const char* b, size_t count) {
  const Floats d;
  return sum_of(
      count,
      [=](FloatLanes sum, size_t i) {
        return hn::MulAdd(hn::LoadU(d, a + i), load(b + i * sizeof(float)), sum);
      },
      [=](size_t i) { return a[i] * last(b, i); });
}

float distance_square(const float* a, const char* b, size_t count) {
  const Floats d;
  return sum_of(
      count,
      [=](FloatLanes sum, size_t i) {
        const FloatLanes apart = hn::Sub(hn::LoadU(d, a + i), load(b + i * sizeof(float)));
        return hn::MulAdd(apart, apart, sum);
      },
      [=](size_t i) { return (a[i] - last(b, i)) * (a[i] - last(b, i)); });
}

float square_sum(const char* a, size_t count) {
  return sum_of(
      count,
      [=](FloatLanes sum, size_t i) {
        const FloatLanes value = load(a + i * sizeof(float));
        return hn::MulAdd(value, value, sum);
      },
      [=](size_t i) { return last(a, i) * last(a, i); });
}

void hadamard(float* values, size_t count) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  for (size_t half = 1; half < count; half *= 2) {
    for (size_t i = 0; i < count; i += 2 * half) {
      float* const low = values + i;
      float* const high = low + half;
      if (half < lanes) {
        for (size_t j = 0; j < half; ++j) {
          const float one = low[j];
          const float other = high[j];
          low[j] = one + other;
          high[j] = one - other;
        }
        continue;
      }
      for (size_t j = 0; j < half; j += lanes) {
        const FloatLanes one = hn::LoadU(d, low + j);
        const FloatLanes other = hn::LoadU(d, high + j);
        hn::StoreU(hn::Add(one, other), d, low + j);
        hn::StoreU(hn::Sub(one, other), d, high + j);
      }
    }
  }
}

// What a processor fetches of its own accord ends with a page, and codes lie in order over many:
// two pages ahead of what is added was the fastest of 2 to 16 KiB, by a quarter to a third where
// the codes come from memory.
constexpr size_t kFetchedAheadBytes = 8192;

// Adds what the tables give for each of the 64 vectors in `rows` rows. REQUIRES: at most 256 rows,
// so that no sum of 16 bits overflows: a row adds at most 254.
HWY_INLINE void add_rows(const uint8_t* tables, const uint8_t* codes, size_t rows,
                         uint16_t* HWY_RESTRICT sums) {
  const hn::CappedTag<uint8_t, kGroupSize> d;
  const hn::Repartition<uint16_t, decltype(d)> wide;
  const size_t lanes = hn::Lanes(d);
  const auto low_bits = hn::Set(d, 0x0f);
  for (size_t at = 0; at < kGroupSize; at += lanes) {
    auto both = hn::Zero(wide);  // sums of even vectors, and 256 times those of odd ones; wraps
    auto odd = hn::Zero(wide);
    for (size_t row = 0; row < rows; ++row) {
      hwy::Prefetch(codes + row * kGroupSize + at + kFetchedAheadBytes);
      const auto code = hn::LoadU(d, codes + row * kGroupSize + at);
      const auto low_table = hn::LoadDup128(d, tables + row * 32);
      const auto high_table = hn::LoadDup128(d, tables + row * 32 + 16);
      const auto low = hn::And(code, low_bits);
      const auto high =
          hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(wide, code))), low_bits);
      const auto sum = hn::BitCast(wide, hn::Add(hn::TableLookupBytes(low_table, low),
                                                 hn::TableLookupBytes(high_table, high)));
      both = hn::Add(both, sum);
      odd = hn::Add(odd, hn::ShiftRight<8>(sum));
    }
    const auto even = hn::Sub(both, hn::ShiftLeft<8>(odd));
    hn::StoreInterleaved2(even, odd, wide, sums + at);
  }
}

uint64_t score_group(const CodeQuery& query, const char* group, float threshold, float* bounds) {
  constexpr size_t kRowsAtOnce = 256;
  const hn::CappedTag<float, kGroupSize> d;
  const hn::Rebind<uint32_t, decltype(d)> whole;
  const hn::Rebind<int32_t, decltype(d)> with_sign;
  const hn::Rebind<uint16_t, decltype(d)> halves;
  const size_t lanes = hn::Lanes(d);
  const auto* codes = reinterpret_cast<const uint8_t*>(group) + kGroupSize * 3 * sizeof(float);
  alignas(64) uint32_t sums[kGroupSize] = {};
  for (size_t row = 0; row < query.rows(); row += kRowsAtOnce) {
    alignas(64) uint16_t some[kGroupSize];
    add_rows(query.tables.data() + row * 32, codes + row * kGroupSize,
             std::min(kRowsAtOnce, query.rows() - row), some);
    for (size_t i = 0; i < kGroupSize; i += lanes) {
      const auto more = hn::PromoteTo(whole, hn::LoadU(halves, some + i));
      hn::Store(hn::Add(hn::Load(whole, sums + i), more), whole, sums + i);
    }
  }
  const auto base = hn::Set(d, query.base);
  const auto scale = hn::Set(d, query.scale);
  const auto offset = hn::Set(d, query.offset);
  const auto slack = hn::Set(d, query.slack);
  const auto least = hn::Set(d, threshold);
  const auto factor = [&](size_t of, size_t i) {
    return load(group + (of * kGroupSize + i) * sizeof(float));
  };
  uint64_t over = 0;
  for (size_t i = 0; i < kGroupSize; i += lanes) {
    const auto sum = hn::ConvertTo(d, hn::BitCast(with_sign, hn::Load(whole, sums + i)));
    auto bound = hn::MulAdd(factor(1, i), hn::MulAdd(scale, sum, offset), factor(0, i));
    bound = hn::Add(hn::MulAdd(factor(2, i), slack, bound), base);
    hn::StoreU(bound, d, bounds + i);
    uint8_t bits[8] = {};
    hn::StoreMaskBits(d, hn::Gt(bound, least), bits);
    uint64_t some_over = 0;
    hwy::CopyBytes<sizeof(bits)>(bits, &some_over);
    over |= some_over << i;
  }
  return over;
}

Kernels own_kernels() {
  return {hwy::TargetName(HWY_TARGET), dot, distance_square, square_sum, hadamard, score_group};
}

#endif  // HWY_SCALAR

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace holdfast::vector
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace holdfast::vector {
namespace {

using Make = Kernels (*)();
constexpr Make kEvery[] = {HWY_CHOOSE_TARGET_LIST(own_kernels), HWY_CHOOSE_FALLBACK(own_kernels)};

}  // namespace

std::vector<Kernels> every_kernels() {
  std::vector<Kernels> every;
  for (size_t i = 0; i < std::size(kEvery); ++i) {
    const bool is_fallback = i + 1 == std::size(kEvery);
    const bool fits =
        is_fallback || machine_has(int64_t{1} << (kBestTargetBit + static_cast<int>(i)));
    if (kEvery[i] != nullptr && fits) every.push_back(kEvery[i]());
  }
  return every;
}

const Kernels& kernels() {
  static const Kernels kChosen = every_kernels().front();
  return kChosen;
}

}  // namespace holdfast::vector
#endif  // HWY_ONCE
