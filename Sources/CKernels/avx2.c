// The kernels for x86-64 with AVX2, FMA and F16C.
#if defined(__x86_64__)
#include "avx_halves.h"

#define VK_SUFFIX avx2
// Anything from 1 to 8 KiB ahead serves alike. Processors with AVX-512 do better on their own.
#define VK_PREFETCH(weights) __builtin_prefetch((weights) + 2048)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// Two products of bytes are added to 16 bits, which they must fit: a nibble and a code do, and so do
// a code's magnitude and another code with its sign.
#define VK_DOT_HALF(sum, u, s) \
  (i32x8)_mm256_add_epi32( \
      (__m256i)(sum), \
      _mm256_madd_epi16( \
          _mm256_maddubs_epi16((__m256i)(u), (__m256i)(s)), _mm256_set1_epi16(1)))
#define VK_SIGNED_HALF(u) _mm256_xor_si256((__m256i)(u), _mm256_set1_epi8(-128))
#define VK_CODES_HALF(sum, u, s) \
  VK_DOT_HALF( \
      sum, _mm256_abs_epi8(VK_SIGNED_HALF(u)), _mm256_sign_epi8((__m256i)(s), VK_SIGNED_HALF(u)))
#define VK_DOT_CODES(sum, u, s) VK_BOTH_HALVES(VK_CODES_HALF, sum, u, s)
#define VK_CODES_OFFSET(offset) 0

// Sixteen bits hold the products of eight nibbles, and what they begin with.
#define VK_SHORT_HALF(pairs, u, s) \
  (i32x8)_mm256_add_epi16((__m256i)(pairs), _mm256_maddubs_epi16((__m256i)(u), (__m256i)(s)))
#define VK_ADD_SHORT(pairs, u, s) VK_BOTH_HALVES(VK_SHORT_HALF, pairs, u, s)
#define VK_SCALED_HALF(sum, pairs, factors) \
  (i32x8)_mm256_add_epi32( \
      (__m256i)(sum), _mm256_madd_epi16((__m256i)(pairs), (__m256i)(factors)))
#define VK_ADD_SCALED(sum, pairs, factors) VK_BOTH_HALVES(VK_SCALED_HALF, sum, pairs, factors)

#include "loops/all.inc.h"

#pragma clang attribute pop
#else
typedef int vk_no_avx2;
#endif
