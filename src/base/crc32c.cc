#include "base/crc32c.h"

#include <array>

#include "base/coding.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
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

#endif

using Implementation = uint32_t (*)(std::string_view, uint32_t);

Implementation choose_implementation() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")) {
    return crc32c_instruction;
  }
#endif
  return crc32c_portable;
}

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t crc) {
  static const Implementation implementation = choose_implementation();
  return implementation(bytes, crc);
}

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

}  // namespace holdfast
