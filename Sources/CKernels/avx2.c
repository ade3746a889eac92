// The kernels for x86-64 with AVX2, FMA and F16C.
#if defined(__x86_64__)
#include "tables.h"

#include <immintrin.h>

#define VK_SUFFIX avx2
#define VK_HAS_FMA 1
#define VK_HAS_HALF 1
#define VK_HAS_ROUNDING 1
#pragma clang diagnostic ignored "-Wpsabi"  // wide vectors pass between inlined functions only
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Products of a nibble and a digit, two at a time, fit in 16 bits.
#define VK_DOT_HALF(sum, u, s) \
  _mm256_add_epi32( \
      (__m256i)(sum), \
      _mm256_madd_epi16(_mm256_maddubs_epi16((__m256i)(u), (__m256i)(s)), _mm256_set1_epi16(1)))
#define VK_DOT(sum, u, s) \
  __builtin_shufflevector( \
      (i32x8)VK_DOT_HALF((sum).lo, (u).lo, (s).lo), \
      (i32x8)VK_DOT_HALF((sum).hi, (u).hi, (s).hi), \
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

#include "loops/all.inc.h"

#pragma clang attribute pop
#else
typedef int vk_no_avx2;
#endif
