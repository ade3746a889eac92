/// Vectors of 16 lanes, whatever the registers of the instruction set are, and the ways in and out
/// of memory.
///
/// Included once by each instruction set's file, after that file has opened its target attribute
/// and defined
/// - VK_SUFFIX: the ending of its symbols;
/// - VK_NAME: what it is called, if that is not VK_SUFFIX;
/// - VK_HAS_FMA: 1 if multiply-add is one instruction;
/// - VK_HAS_HALF: 1 if conversion from and to halves is;
/// - VK_HAS_ROUNDING: 1 if rounding to whole numbers is;
/// - VK_HAS_GATHER: 1 if AVX2's gathers are there;
/// - VK_SCALE(v, n), if there is an instruction for v * 2^n;
/// - VK_TOKENS_AT_ONCE: how many tokens of a byte product the registers have room for, 4 or 8;
/// - VK_HOLDS_STATES, if the registers have room for 16 vectors of states and for work on them;
/// - VK_DOT(sum, u, s), if there are instructions that multiply unsigned bytes up to 15 and signed
///   bytes and add them in fours to 16 sums;
/// - VK_DOT_PAIRS(low, high, scales), if there is an instruction that multiplies pairs of 16 bits and
///   adds the products;
/// - VK_DOT_CODES(sum, u, s) and VK_CODES_OFFSET(offset), if 128 is best taken off unsigned bytes
///   before they are multiplied; then sums start at the latter, which is zero;
/// - VK_ADD_SHORT(pairs, u, s) and VK_ADD_SCALED(sum, pairs, factors), if products of bytes are best
///   added in 16 bits first: two sums of two products each lie in the 32 bits of `pairs`; the latter
///   multiplies both by those of `factors` and adds them;
/// - VK_IN_TURN(v), to have v computed where it stands: left alone, compilers may finish one of several
///   sums after the other, for which there are not registers enough;
/// - VK_PREFETCH(weights), if byte products are faster when they ask for weights that come soon.
#ifndef VK_VECTORS_H
#define VK_VECTORS_H

#include "include/CKernels.h"

#if __STDC_HOSTED__
#include <string.h>
#else  // syntax checks for other processors
void *memcpy(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
#endif

#pragma clang fp contract(off)

#define VK_JOIN_EXPANDED(name, suffix) name##_##suffix
#define VK_JOIN(name, suffix) VK_JOIN_EXPANDED(name, suffix)
/// The name of a kernel in this instruction set's file.
#define VK(name) VK_JOIN(vk_##name, VK_SUFFIX)

#define VK_INLINE static inline __attribute__((always_inline))
#define VK_UNROLL _Pragma("clang loop unroll(full)")

typedef float f32x16 __attribute__((ext_vector_type(16)));
typedef float f32x8 __attribute__((ext_vector_type(8)));
typedef float f32x4 __attribute__((ext_vector_type(4)));
typedef float f32x2 __attribute__((ext_vector_type(2)));
typedef double f64x16 __attribute__((ext_vector_type(16)));
typedef double f64x8 __attribute__((ext_vector_type(8)));
typedef int32_t i32x8 __attribute__((ext_vector_type(8)));
typedef int32_t i32x16 __attribute__((ext_vector_type(16)));
typedef uint32_t u32x16 __attribute__((ext_vector_type(16)));
typedef uint16_t u16x16 __attribute__((ext_vector_type(16)));
typedef int16_t i16x16 __attribute__((ext_vector_type(16)));
typedef int8_t i8x16 __attribute__((ext_vector_type(16)));
typedef int8_t i8x64 __attribute__((ext_vector_type(64)));
typedef uint8_t u8x64 __attribute__((ext_vector_type(64)));
typedef uint8_t u8x16 __attribute__((ext_vector_type(16)));
typedef _Float16 f16x16 __attribute__((ext_vector_type(16)));
typedef _Bool bool16 __attribute__((ext_vector_type(16)));

enum { VK_LANES = 16 };

/// a * b + c, in one rounding where the instruction set has it.
#if VK_HAS_FMA
#define VK_FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#else
#define VK_FMA(a, b, c) ((a) * (b) + (c))
#endif

#define VK_LOADS(name, type, vector) \
  VK_INLINE vector load_##name(const type *from) { \
    vector v; \
    memcpy(&v, from, sizeof v); \
    return v; \
  } \
  VK_INLINE vector load_some_##name(const type *from, size_t lanes) { \
    vector v = 0; \
    memcpy(&v, from, lanes * sizeof *from); \
    return v; \
  }
VK_LOADS(f32, float, f32x16)
VK_LOADS(i8, int8_t, i8x16)
VK_LOADS(u8, uint8_t, u8x16)
VK_LOADS(u16, uint16_t, u16x16)

VK_INLINE void store_f32(float *to, f32x16 v) { memcpy(to, &v, sizeof v); }
VK_INLINE void store_some_f32(float *to, f32x16 v, size_t lanes) {
  memcpy(to, &v, lanes * sizeof *to);
}

VK_INLINE f32x16 splat(float value) { return (f32x16)value; }
VK_INLINE u32x16 bits_of(f32x16 v) { return (u32x16)v; }
VK_INLINE f32x16 float_of(u32x16 v) { return (f32x16)v; }

/// mask ? a : b, lane by lane; a mask is what a comparison gives.
VK_INLINE f32x16 choose(i32x16 mask, f32x16 a, f32x16 b) { return mask ? a : b; }
VK_INLINE u32x16 choose_bits(i32x16 mask, u32x16 a, u32x16 b) { return mask ? a : b; }

/// `low` where v is not-a-number.
VK_INLINE f32x16 clamp(f32x16 v, float low, float high) {
  v = choose(v > splat(low), v, splat(low));
  return choose(v < splat(high), v, splat(high));
}

VK_INLINE f32x16 absolute(f32x16 v) { return float_of(bits_of(v) & 0x7fffffffu); }

/// To the nearest integer, ties to even, for |v| < 2^22. Without an instruction for it, 1.5 * 2^23
/// is added, which leaves no room for a fraction.
VK_INLINE f32x16 round_small(f32x16 v) {
#if VK_HAS_ROUNDING
  return __builtin_elementwise_roundeven(v);
#else
  return (v + splat(0x1.8p23f)) - splat(0x1.8p23f);
#endif
}

/// To the nearest integer for |v| < 2^23.
VK_INLINE f32x16 round_whole(f32x16 v) {
#if VK_HAS_ROUNDING
  return __builtin_elementwise_roundeven(v);
#else
  f32x16 whole = __builtin_convertvector(__builtin_convertvector(v, i32x16), f32x16);
  f32x16 rest = v - whole;
  f32x16 down = choose(rest < splat(-0.5f), splat(-1), splat(0));
  return whole + choose(rest > splat(0.5f), splat(1), down);
#endif
}

#ifndef VK_DOT
VK_INLINE i32x16 dot_fours(i32x16 sum, u8x64 u, i8x64 s) {
  u32x16 unsigned_words = (u32x16)u;
  i32x16 signed_words = (i32x16)s;
  for (int i = 0; i < 4; ++i) {
    i32x16 a = (i32x16)(unsigned_words >> (8 * i) & 255u);
    i32x16 b = signed_words << (24 - 8 * i) >> 24;
    sum += a * b;
  }
  return sum;
}
#define VK_DOT(sum, u, s) dot_fours(sum, u, s)
#endif

#ifndef VK_DOT_PAIRS
/// low times the lower halves of the scales, high times the upper ones, both as signed 16 bits.
#define VK_DOT_PAIRS(low, high, scales) \
  ((low) * ((i32x16)(scales) << 16 >> 16) + (high) * ((i32x16)(scales) >> 16))
#endif

#ifndef VK_PREFETCH
#define VK_PREFETCH(weights) ((void)0)
#endif

#ifndef VK_IN_TURN
#define VK_IN_TURN(v) ((void)0)
#endif

#ifndef VK_DOT_CODES
#define VK_DOT_CODES(sum, u, s) VK_DOT(sum, u, s)
#define VK_CODES_OFFSET(offset) (offset)
#endif

/// Every second lane of a and b together, from lane `odd` on.
#define VK_EVERY_SECOND(a, b, odd) \
  __builtin_shufflevector( \
      a, b, odd, odd + 2, odd + 4, odd + 6, odd + 8, odd + 10, odd + 12, odd + 14, odd + 16, \
      odd + 18, odd + 20, odd + 22, odd + 24, odd + 26, odd + 28, odd + 30)

/// The sum of all lanes, halving the vector four times.
VK_INLINE float sum_lanes(f32x16 v) {
  f32x8 eight = v.lo + v.hi;
  f32x4 four = eight.lo + eight.hi;
  f32x2 two = four.lo + four.hi;
  return two.x + two.y;
}

/// A bit for each lane of a mask, the first lane's lowest.
VK_INLINE unsigned lane_bits(i32x16 mask) {
  const bool16 lanes = __builtin_convertvector(mask, bool16);
  uint16_t bits;
  memcpy(&bits, &lanes, sizeof bits);
  return bits;
}

VK_INLINE float largest_lane(f32x16 v) {
  f32x8 eight = v.lo > v.hi ? v.lo : v.hi;
  f32x4 four = eight.lo > eight.hi ? eight.lo : eight.hi;
  f32x2 two = four.lo > four.hi ? four.lo : four.hi;
  return two.x > two.y ? two.x : two.y;
}

#endif
