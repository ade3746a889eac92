/// What the kernels with registers of 256 bits share: a vector of 16 lanes is two of them. Their
/// files define VK_SUFFIX and the products of bytes.
#ifndef VK_AVX_HALVES_H
#define VK_AVX_HALVES_H

#include "tables.h"

#include <immintrin.h>

#define VK_HAS_FMA 1
#define VK_HAS_HALF 1
#define VK_HAS_ROUNDING 1
#define VK_HAS_GATHER 1
#define VK_TOKENS_AT_ONCE 4
#pragma clang diagnostic ignored "-Wpsabi"  // wide vectors pass between inlined functions only

/// `half(sum, u, s)` of the lower halves, then of the upper ones.
#define VK_BOTH_HALVES(half, sum, u, s) \
  __builtin_shufflevector( \
      half((sum).lo, (u).lo, (s).lo), half((sum).hi, (u).hi, (s).hi), 0, 1, 2, 3, 4, 5, 6, 7, 8, \
      9, 10, 11, 12, 13, 14, 15)
#define VK_DOT(sum, u, s) VK_BOTH_HALVES(VK_DOT_HALF, sum, u, s)

#define VK_IN_TURN(v) \
  do { \
    __typeof__((v).lo) vk_low = (v).lo, vk_high = (v).hi; \
    __asm__("" : "+x"(vk_low), "+x"(vk_high)); \
    (v) = __builtin_shufflevector( \
        vk_low, vk_high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); \
  } while (0)

#define VK_PAIRS_HALF(low, high, scales) \
  (i32x8)_mm256_madd_epi16( \
      _mm256_blend_epi16((__m256i)(low), _mm256_slli_epi32((__m256i)(high), 16), 0xaa), \
      (__m256i)(scales))
#define VK_DOT_PAIRS(low, high, scales) VK_BOTH_HALVES(VK_PAIRS_HALF, low, high, scales)

#endif
