// The kernels for AArch64 with the dot product of signed bytes (FEAT_DotProd).
#if defined(__aarch64__)
#include "tables.h"

#include <arm_neon.h>

#define VK_SUFFIX neon_dotprod
#define VK_NAME "neon-dotprod"
#define VK_HAS_FMA 1
#define VK_HAS_HALF 1
#define VK_HAS_ROUNDING 1
#define VK_HAS_GATHER 0
#define VK_TOKENS_AT_ONCE 4
// Both bytes are signed: nibbles fit as they are, codes once 128 is off them.
#define VK_DOT(sum, u, s) dot_quarters(sum, (i8x64)(u), s)
#define VK_DOT_CODES(sum, u, s) dot_quarters(sum, (i8x64)((u) ^ 0x80), s)
#define VK_CODES_OFFSET(offset) 0
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#include "vectors.h"

VK_INLINE i32x16 dot_quarters(i32x16 sum, i8x64 a, i8x64 b) {
  int32x4_t sums[4];
  int8x16_t left[4], right[4];
  memcpy(sums, &sum, sizeof sum);
  memcpy(left, &a, sizeof a);
  memcpy(right, &b, sizeof b);
  VK_UNROLL for (int i = 0; i < 4; ++i) sums[i] = vdotq_s32(sums[i], left[i], right[i]);
  memcpy(&sum, sums, sizeof sum);
  return sum;
}

#include "loops/all.inc.h"

#pragma clang attribute pop
#else
typedef int vk_no_neon_dotprod;
#endif
