#include "base/crc32c.h"

#include <array>
#include <vector>

#include "base/coding.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace holdfast {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // 0x1edc6f41, bits reversed: bit 31 is x^0

// v * x mod P.
constexpr uint32_t times_x(uint32_t v) {
  return (v >> 1) ^ ((v & 1) ? kPolynomial : 0);
}

using Tables = std::array<std::array<uint32_t, 256>, 8>;

// Table k holds the effect of a byte that is followed by k zero bytes.
constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = times_x(crc);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

uint32_t crc32c_portable(std::string_view bytes, uint32_t crc) {
  crc = ~crc;
  const char* begin = bytes.data();
  const char* const end = begin + bytes.size();
  for (; end - begin >= 8; begin += 8) {
    const uint32_t low = crc ^ load_le<uint32_t>(begin);
    const auto high = load_le<uint32_t>(begin + 4);
    crc = kTables[7][low & 0xff] ^ kTables[6][(low >> 8) & 0xff] ^ kTables[5][(low >> 16) & 0xff] ^
          kTables[4][low >> 24] ^ kTables[3][high & 0xff] ^ kTables[2][(high >> 8) & 0xff] ^
          kTables[1][(high >> 16) & 0xff] ^ kTables[0][high >> 24];
  }
  for (; begin < end; ++begin) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint8_t>(*begin)) & 0xff];
  }
  return ~crc;
}

#if defined(__x86_64__)

// The instruction takes 3 cycles but starts every cycle, so three independent streams run at its
// full rate. Each stream is `kStream` bytes; the registers are then joined by carry-less
// multiplication: a crc followed by n zero bytes is crc * x^(8n) mod P.

// x^n mod P.
constexpr uint32_t power_of_x(size_t n) {
  uint32_t v = 0x80000000;
  for (size_t i = 0; i < n; ++i) v = times_x(v);
  return v;
}

// The 64-bit crc step multiplies by x^32, and a product of two reversed words carries one more x.
constexpr uint64_t shift_factor(size_t bytes) {
  return power_of_x(8 * bytes - 33);
}

constexpr size_t kStreamLong = 1360;  // three streams: 4080 of a 4096-byte page
constexpr size_t kStreamMiddle = 336;
constexpr size_t kStreamShort = 64;

#define HOLDFAST_CRC_TARGET __attribute__((target("sse4.2,pclmul")))

HOLDFAST_CRC_TARGET inline __m128i multiply(uint64_t crc, uint64_t factor) {
  return _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(crc)),
                              _mm_cvtsi64_si128(static_cast<long long>(factor)), 0);
}

// Takes as many triples of streams as there are off the front of [begin, end).
template <size_t kStream>
HOLDFAST_CRC_TARGET inline uint64_t take_streams(uint64_t crc, const char*& begin,
                                                 const char* end) {
  static_assert(kStream % 8 == 0);
  constexpr uint64_t kOne = shift_factor(kStream);
  constexpr uint64_t kTwo = shift_factor(2 * kStream);
  while (static_cast<size_t>(end - begin) >= 3 * kStream) {
    uint64_t first = crc;
    uint64_t second = 0;
    uint64_t third = 0;
    const char* const stop = begin + kStream;
    for (; begin < stop; begin += 8) {
      first = _mm_crc32_u64(first, load_le<uint64_t>(begin));
      second = _mm_crc32_u64(second, load_le<uint64_t>(begin + kStream));
      third = _mm_crc32_u64(third, load_le<uint64_t>(begin + 2 * kStream));
    }
    const __m128i joined = _mm_xor_si128(multiply(first, kTwo), multiply(second, kOne));
    crc = third ^ _mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(joined)));
    begin += 2 * kStream;
  }
  return crc;
}

HOLDFAST_CRC_TARGET uint32_t crc32c_instruction(std::string_view bytes, uint32_t start) {
  const char* begin = bytes.data();
  const char* const end = begin + bytes.size();
  uint64_t crc = ~start;
  crc = take_streams<kStreamLong>(crc, begin, end);
  crc = take_streams<kStreamMiddle>(crc, begin, end);
  crc = take_streams<kStreamShort>(crc, begin, end);
  for (; end - begin >= 8; begin += 8) crc = _mm_crc32_u64(crc, load_le<uint64_t>(begin));
  auto crc32 = static_cast<uint32_t>(crc);
  for (; begin < end; ++begin) crc32 = _mm_crc32_u8(crc32, static_cast<uint8_t>(*begin));
  return ~crc32;
}

// Wide registers hold 16-byte lanes of the message. A lane that stands n bytes before another one
// equals, mod P, its two halves times x^(8n + 64) and x^(8n), so four registers run through the
// message 256 bytes at a time, each adding what comes next. A product of reversed 64-bit words,
// one of which has its 32 bits low, carries x^33.

#define HOLDFAST_CRC_WIDE_TARGET __attribute__((target("sse4.2,pclmul,avx512f,vpclmulqdq")))

constexpr size_t kWideBlock = 256;  // less is not worth the joining at the end

struct LaneFactors {
  explicit constexpr LaneFactors(size_t bytes)
      : low(power_of_x(8 * bytes + 31)), high(power_of_x(8 * bytes - 33)) {}
  long long low, high;
};

HOLDFAST_CRC_WIDE_TARGET inline __m512i load_wide(const char* bytes) {
  return _mm512_loadu_si512(bytes);
}

template <size_t kBytes>
HOLDFAST_CRC_WIDE_TARGET inline __m512i fold_wide(__m512i lanes, __m512i next) {
  constexpr LaneFactors kFactors(kBytes);
  const __m512i factors =
      _mm512_set_epi64(kFactors.high, kFactors.low, kFactors.high, kFactors.low, kFactors.high,
                       kFactors.low, kFactors.high, kFactors.low);
  constexpr int kXorOfThree = 0x96;
  return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(lanes, factors, 0x00),
                                   _mm512_clmulepi64_epi128(lanes, factors, 0x11), next,
                                   kXorOfThree);
}

// With a mask: GCC 12 warns of its own undefined operand of the other form.
template <int kIndex>
HOLDFAST_CRC_WIDE_TARGET inline __m128i lane_of(__m512i lanes) {
  return _mm512_maskz_extracti32x4_epi32(0xf, lanes, kIndex);
}

template <size_t kBytes>
HOLDFAST_CRC_WIDE_TARGET inline __m128i fold_lane(__m128i lane, __m128i next) {
  constexpr LaneFactors kFactors(kBytes);
  const __m128i factors = _mm_set_epi64x(kFactors.high, kFactors.low);
  const __m128i folded = _mm_xor_si128(_mm_clmulepi64_si128(lane, factors, 0x00),
                                       _mm_clmulepi64_si128(lane, factors, 0x11));
  return _mm_xor_si128(folded, next);
}

HOLDFAST_CRC_WIDE_TARGET uint32_t crc32c_wide(std::string_view bytes, uint32_t start) {
  if (bytes.size() < kWideBlock) return crc32c_instruction(bytes, start);
  const char* begin = bytes.data();
  const char* const end = begin + bytes.size();
  const __m512i before = _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(~start)));
  __m512i first = _mm512_xor_si512(load_wide(begin), before);
  __m512i second = load_wide(begin + 64);
  __m512i third = load_wide(begin + 128);
  __m512i fourth = load_wide(begin + 192);
  for (begin += 256; end - begin >= 256; begin += 256) {
    first = fold_wide<256>(first, load_wide(begin));
    second = fold_wide<256>(second, load_wide(begin + 64));
    third = fold_wide<256>(third, load_wide(begin + 128));
    fourth = fold_wide<256>(fourth, load_wide(begin + 192));
  }
  __m512i lanes = fold_wide<64>(fold_wide<128>(first, third), fold_wide<128>(second, fourth));
  for (; end - begin >= 64; begin += 64) lanes = fold_wide<64>(lanes, load_wide(begin));
  const __m128i even = fold_lane<32>(lane_of<0>(lanes), lane_of<2>(lanes));
  const __m128i odd = fold_lane<32>(lane_of<1>(lanes), lane_of<3>(lanes));
  const __m128i lane = fold_lane<16>(even, odd);
  const auto half = [](long long value) { return static_cast<uint64_t>(value); };
  const uint64_t crc = _mm_crc32_u64(_mm_crc32_u64(0, half(_mm_cvtsi128_si64(lane))),
                                     half(_mm_extract_epi64(lane, 1)));
  const std::string_view rest(begin, static_cast<size_t>(end - begin));
  return crc32c_instruction(rest, ~static_cast<uint32_t>(crc));
}

#endif

}  // namespace

std::span<const Crc32cImplementation> crc32c_implementations() {
  static const std::vector<Crc32cImplementation> implementations = [] {
    std::vector<Crc32cImplementation> able = {crc32c_portable};
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")) {
      able.push_back(crc32c_instruction);
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq")) {
        able.push_back(crc32c_wide);
      }
    }
#endif
    return able;
  }();
  return implementations;
}

uint32_t crc32c(std::string_view bytes, uint32_t crc) {
  static const Crc32cImplementation fastest = crc32c_implementations().back();
  return fastest(bytes, crc);
}

}  // namespace holdfast
