// The kernels for x86-64 with AVX-512 (F, BW, VL, DQ, VNNI).
#if defined(__x86_64__)
#include "tables.h"

#include <immintrin.h>

#define VK_SUFFIX avx512
#define VK_HAS_FMA 1
#define VK_HAS_HALF 1
#define VK_HAS_ROUNDING 1
#define VK_HAS_GATHER 1
#define VK_TOKENS_AT_ONCE 8
#define VK_HOLDS_STATES 1
#define VK_SCALE(v, n) (f32x16)_mm512_scalef_ps((__m512)(v), (__m512)(n))
#define VK_DOT(sum, u, s) \
  (i32x16)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(u), (__m512i)(s))
#define VK_DOT_PAIRS(low, high, scales) \
  (i32x16)_mm512_madd_epi16( \
      _mm512_mask_blend_epi16( \
          0xaaaaaaaa, (__m512i)(low), _mm512_slli_epi32((__m512i)(high), 16)), \
      (__m512i)(scales))
#pragma clang diagnostic ignored "-Wpsabi"  // wide vectors pass between inlined functions only
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
    apply_to = function)
// Without this the compiler may split 512-bit vectors.
#pragma clang attribute push(__attribute__((min_vector_width(512))), apply_to = function)

#include "loops/all.inc.h"

#pragma clang attribute pop
#pragma clang attribute pop
#else
typedef int vk_no_avx512;
#endif
