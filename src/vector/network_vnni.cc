// The products of bytes on x86 that multiplies four of them by one instruction (AVX-512 VNNI).
// google-highway has no name for it.
#include "vector/network_vnni.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <atomic>
#include <cstring>

namespace holdfast::vector {
namespace {

#define HOLDFAST_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

constexpr size_t kTileRows = 8;
constexpr size_t kTilePanels = 2;
// Of all lanes: by g++ 12 the functions without a mask use what is uninitialised.
constexpr __mmask16 kAll = 0xffff;

// Sixteen outputs: their scales, biases and sums of bytes.
HOLDFAST_VNNI inline void finish_outputs(const ByteMatrix& matrix, const ByteRows& bytes,
                                         size_t row, size_t output, __m512i sum, Finish finish,
                                         float* outputs) {
  const __m512i byte_sums = _mm512_loadu_si512(matrix.sums + output);
  const __m512i off = _mm512_mullo_epi32(_mm512_set1_epi32(bytes.zeros[row]), byte_sums);
  const __m512 scale =
      _mm512_mul_ps(_mm512_set1_ps(bytes.scales[row]), _mm512_loadu_ps(matrix.scales + output));
  __m512 value = _mm512_fmadd_ps(scale, _mm512_maskz_cvtepi32_ps(kAll, _mm512_sub_epi32(sum, off)),
                                 _mm512_loadu_ps(matrix.bias + output));
  float* const out = outputs + row * matrix.outputs + output;
  if (finish == Finish::kAdd) value = _mm512_add_ps(value, _mm512_loadu_ps(out));
  if (finish == Finish::kRamp) value = _mm512_maskz_max_ps(kAll, value, _mm512_setzero_ps());
  _mm512_storeu_ps(out, value);
}

template <size_t kRows, size_t kPanels>
HOLDFAST_VNNI inline void apply_tile(const ByteMatrix& matrix, const ByteRows& bytes, size_t row,
                                     size_t output, Finish finish, float* outputs) {
  const size_t inputs = matrix.inputs;
  const int8_t* weights = matrix.weights + output * inputs;
  const auto* values = reinterpret_cast<const uint8_t*>(bytes.values.data()) + row * inputs;
  __m512i sums[kRows][kPanels];
  for (auto& of_row : sums) {
    for (__m512i& sum : of_row) sum = _mm512_setzero_si512();
  }
  for (size_t i = 0; i < inputs; i += kPanelInputs, weights += kPanelInputs * kPanelOutputs) {
    __m512i some[kPanels];
    for (size_t p = 0; p < kPanels; ++p) {
      some[p] = _mm512_loadu_si512(weights + p * kPanelOutputs * inputs);
    }
    for (size_t r = 0; r < kRows; ++r) {
      int32_t four = 0;
      std::memcpy(&four, values + r * inputs + i, sizeof(four));
      const __m512i same = _mm512_set1_epi32(four);
      for (size_t p = 0; p < kPanels; ++p) {
        sums[r][p] = _mm512_dpbusd_epi32(sums[r][p], same, some[p]);
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t p = 0; p < kPanels; ++p) {
      finish_outputs(matrix, bytes, row + r, output + p * kPanelOutputs, sums[r][p], finish,
                     outputs);
    }
  }
}

template <size_t kPanels>
HOLDFAST_VNNI void apply_panels(const ByteMatrix& matrix, const ByteRows& bytes, size_t rows,
                                size_t output, Finish finish, float* outputs) {
  size_t row = 0;
  for (; row + kTileRows <= rows; row += kTileRows) {
    apply_tile<kTileRows, kPanels>(matrix, bytes, row, output, finish, outputs);
  }
  for (; row + 2 <= rows; row += 2) {
    apply_tile<2, kPanels>(matrix, bytes, row, output, finish, outputs);
  }
  if (row < rows) apply_tile<1, kPanels>(matrix, bytes, row, output, finish, outputs);
}

void apply_vnni(const ByteMatrix& matrix, const ByteRows& bytes, size_t rows, Finish finish,
                float* outputs) {
  size_t output = 0;
  for (; output + kTilePanels * kPanelOutputs <= matrix.outputs;
       output += kTilePanels * kPanelOutputs) {
    apply_panels<kTilePanels>(matrix, bytes, rows, output, finish, outputs);
  }
  if (output < matrix.outputs) {
    apply_panels<1>(matrix, bytes, rows, output, finish, outputs);
  }
}

// Numbers of 16 bits become bytes, in their place.
HOLDFAST_VNNI void pack(uint16_t* values, size_t count) {
  auto* const packed = reinterpret_cast<uint8_t*>(values);
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m512i some = _mm512_loadu_si512(values + i);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(packed + i),
                        _mm512_maskz_cvtepi16_epi8(0xffffffff, some));
  }
  for (; i < count; ++i) packed[i] = static_cast<uint8_t>(values[i]);
}

#undef HOLDFAST_VNNI

// What fills rows before they are packed: always the same, but set by whoever asks for kernels.
std::atomic<decltype(NetworkKernels::to_bytes)> to_wide = nullptr;

void to_packed(const float* values, size_t rows, size_t count, ByteRows& bytes) {
  to_wide.load(std::memory_order_relaxed)(values, rows, count, bytes);
  pack(bytes.values.data(), rows * count);
}

}  // namespace

std::optional<NetworkKernels> vnni_network_kernels(const NetworkKernels& others) {
  if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) {
    return std::nullopt;
  }
  to_wide.store(others.to_bytes, std::memory_order_relaxed);
  NetworkKernels kernels = others;
  kernels.name = "VNNI";
  kernels.to_bytes = to_packed;
  kernels.apply = apply_vnni;
  return kernels;
}

}  // namespace holdfast::vector

#else

namespace holdfast::vector {

std::optional<NetworkKernels> vnni_network_kernels(const NetworkKernels& /*others*/) {
  return std::nullopt;
}

}  // namespace holdfast::vector

#endif
