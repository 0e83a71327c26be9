// Whether this machine has what a target of google-highway needs. The choice is ours, not that of
// highway's library, of which Debian has no archive: the program would wait for its loader.
//
// Who: vector/, behind <hwy/highway.h>. Thread-safety: pure functions.
#pragma once

#include <hwy/targets.h>

#include <cstdint>

namespace holdfast::vector {

// What the header lists of targets, the best first, begins at this bit.
constexpr int kBestTargetBit = HWY_HIGHEST_TARGET_BIT + 1 - HWY_MAX_DYNAMIC_TARGETS;

inline bool machine_has(int64_t target) {
#if HWY_ARCH_X86
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool avx3 = avx2 && __builtin_cpu_supports("avx512f") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  switch (target) {
    case HWY_SSSE3:
      return __builtin_cpu_supports("ssse3");
    case HWY_SSE4:
      return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("aes") &&
             __builtin_cpu_supports("pclmul");
    case HWY_AVX2:
      return avx2;
    case HWY_AVX3:
      return avx3;
    default:
      break;
  }
#endif
  return (target & HWY_STATIC_TARGET) != 0;  // of which the compiler is sure
}

}  // namespace holdfast::vector
