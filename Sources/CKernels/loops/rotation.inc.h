// Walsh-Hadamard transforms of blocks. Sums of two in one order, so results are the same everywhere.

enum { VK_ROTATED_COLUMNS = 128, VK_ROTATED_VECTORS = VK_ROTATED_COLUMNS / VK_LANES };

/// Sums and differences of lanes that are `distance` apart; `signs` is -1 in the upper one of each two.
#define VK_BUTTERFLY(v, distance, signs) \
  (__builtin_shufflevector( \
       v, v, 0 ^ distance, 1 ^ distance, 2 ^ distance, 3 ^ distance, 4 ^ distance, 5 ^ distance, \
       6 ^ distance, 7 ^ distance, 8 ^ distance, 9 ^ distance, 10 ^ distance, 11 ^ distance, \
       12 ^ distance, 13 ^ distance, 14 ^ distance, 15 ^ distance) \
   + v * signs)

/// The transform of 16 lanes.
VK_INLINE f32x16 transform_lanes(f32x16 v) {
  const f32x16 ones = {1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1};
  const f32x16 twos = {1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1};
  const f32x16 fours = {1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1};
  const f32x16 eights = {1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1};
  v = VK_BUTTERFLY(v, 1, ones);
  v = VK_BUTTERFLY(v, 2, twos);
  v = VK_BUTTERFLY(v, 4, fours);
  return VK_BUTTERFLY(v, 8, eights);
}

/// Sums and differences of elements, over all powers of two below their count as distances.
#define VK_BUTTERFLIES(type, v, count) \
  for (size_t distance = 1; distance < count; distance *= 2) { \
    for (size_t i = 0; i < count; ++i) { \
      if (i & distance) continue; \
      type sum = v[i] + v[i + distance]; \
      v[i + distance] = v[i] - v[i + distance]; \
      v[i] = sum; \
    } \
  }

VK_INLINE void rotate_block(
    float *out, const float *x, const float *signs, size_t block, float scale, int backward) {
  if (block < VK_LANES) {
    float v[VK_LANES];
    for (size_t i = 0; i < block; ++i) v[i] = backward ? x[i] : signs[i] * x[i];
    VK_BUTTERFLIES(float, v, block)
    for (size_t i = 0; i < block; ++i) out[i] = v[i] * scale * (backward ? signs[i] : 1);
    return;
  }
  size_t count = block / VK_LANES;
  f32x16 v[VK_ROTATED_VECTORS];
  for (size_t i = 0; i < count; ++i) {
    v[i] = load_f32(x + i * VK_LANES);
    if (!backward) v[i] *= load_f32(signs + i * VK_LANES);
    v[i] = transform_lanes(v[i]);
  }
  VK_BUTTERFLIES(f32x16, v, count)
  for (size_t i = 0; i < count; ++i) {
    v[i] *= splat(scale);
    if (backward) v[i] *= load_f32(signs + i * VK_LANES);
    store_f32(out + i * VK_LANES, v[i]);
  }
}

static void VK(rotate_blocks)(
    float *out, const float *x, size_t stride, const float *signs, size_t rows, size_t columns,
    size_t block, int backward) {
  float scale = 1 / __builtin_sqrtf((float)block);
  for (size_t r = 0; r < rows; ++r, out += columns, x += stride) {
    for (size_t k = 0; k < columns; k += block) {
      rotate_block(
          out + k, x + k, signs + k % VK_ROTATED_COLUMNS, block, scale, backward);
    }
  }
}
