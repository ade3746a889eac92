// Halves, bfloats and floats.

#if VK_HAS_HALF

VK_INLINE f32x16 widen_half(u16x16 half) {
  return __builtin_convertvector((f16x16)half, f32x16);
}

VK_INLINE u16x16 narrow_half(f32x16 v) {
  return (u16x16)__builtin_convertvector(v, f16x16);
}

#else

VK_INLINE f32x16 widen_half(u16x16 half) {
  u32x16 wide = __builtin_convertvector(half, u32x16);
  u32x16 sign = (wide & 0x8000u) << 16, magnitude = wide & 0x7fffu;
  u32x16 normal = (magnitude << 13) + ((127u - 15u) << 23);
  u32x16 special = (magnitude << 13) | 0x7f800000u;
  // Quiet, as processors do it.
  special |= choose_bits(magnitude > 0x7c00u, (u32x16)0x400000u, (u32x16)0u);
  f32x16 count = __builtin_convertvector((i32x16)magnitude, f32x16);
  u32x16 subnormal = bits_of(count * splat(0x1p-24f));
  u32x16 finite = choose_bits(magnitude < 0x400u, subnormal, normal);
  return float_of(sign | choose_bits(magnitude >= 0x7c00u, special, finite));
}

VK_INLINE u16x16 narrow_half(f32x16 v) {
  u32x16 sign = (bits_of(v) >> 16) & 0x8000u, magnitude = bits_of(v) & 0x7fffffffu;
  u32x16 rebased = magnitude - ((127u - 15u) << 23);
  u32x16 normal = (rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13;
  // One half has units of 2^-24 in its last place, those of a subnormal half.
  u32x16 subnormal = bits_of(float_of(magnitude) + splat(0.5f)) - 0x3f000000u;
  u32x16 nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  u32x16 special = choose_bits(magnitude > 0x7f800000u, nan, (u32x16)0x7c00u);
  u32x16 half = choose_bits(magnitude < 0x38800000u, subnormal, normal);
  half = choose_bits(magnitude >= 0x47800000u, special, half);
  return __builtin_convertvector(sign | half, u16x16);
}

#endif

VK_INLINE f32x16 widen_bfloat(u16x16 bfloat) {
  return float_of(__builtin_convertvector(bfloat, u32x16) << 16);
}

VK_INLINE u16x16 narrow_bfloat(f32x16 v) {
  u32x16 bits = bits_of(v);
  u32x16 rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  u32x16 quiet = bits | 0x400000u;
  u32x16 kept = choose_bits((bits & 0x7fffffffu) > 0x7f800000u, quiet, rounded);
  return __builtin_convertvector(kept >> 16, u16x16);
}

VK_INLINE float widen_one_half(uint16_t half) { return widen_half((u16x16)half).x; }
VK_INLINE uint16_t narrow_one_half(float value) { return narrow_half(splat(value)).x; }

#define VK_WIDEN(name, widen) \
  static void VK(name)(float *out, const uint16_t *in, size_t count) { \
    size_t i = 0; \
    for (; i + VK_LANES <= count; i += VK_LANES) store_f32(out + i, widen(load_u16(in + i))); \
    if (i < count) store_some_f32(out + i, widen(load_some_u16(in + i, count - i)), count - i); \
  }
VK_WIDEN(widen_f16, widen_half)
VK_WIDEN(widen_bf16, widen_bfloat)

#define VK_NARROW(name, narrow) \
  static void VK(name)(uint16_t *out, const float *in, size_t count) { \
    size_t i = 0; \
    for (; i + VK_LANES <= count; i += VK_LANES) { \
      u16x16 v = narrow(load_f32(in + i)); \
      memcpy(out + i, &v, sizeof v); \
    } \
    if (i < count) { \
      u16x16 v = narrow(load_some_f32(in + i, count - i)); \
      memcpy(out + i, &v, (count - i) * sizeof *out); \
    } \
  }
VK_NARROW(narrow_f16, narrow_half)
VK_NARROW(narrow_bf16, narrow_bfloat)

static int VK(all_within)(const float *in, size_t count, float limit) {
  size_t i = 0;
  while (i + VK_LANES <= count) {
    i32x16 within = -1;
    size_t end = count - i > 4096 ? i + 4096 : count;
    for (; i + VK_LANES <= end; i += VK_LANES) within &= absolute(load_f32(in + i)) <= splat(limit);
    if (!__builtin_reduce_and(within)) return 0;
  }
  if (i == count) return 1;
  return __builtin_reduce_and(absolute(load_some_f32(in + i, count - i)) <= splat(limit)) != 0;
}
