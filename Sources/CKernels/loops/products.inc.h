// Products of float, half and bfloat matrices with a vector.
//
// Several rows go side by side, to share the loads of x and to keep several sums under way; what is
// done for a row is the same for any number of them.

enum { VK_ROWS_AT_ONCE = 4 };

VK_INLINE f32x16 keep_float(f32x16 v) { return v; }

#define VK_PRODUCT(name, type, loads, widen) \
  VK_INLINE void VK(name##_rows)( \
      float *out, const type *w, const float *x, size_t columns, const int rows) { \
    f32x16 sums[VK_ROWS_AT_ONCE] = {0}; \
    size_t k = 0; \
    for (; k + VK_LANES <= columns; k += VK_LANES) { \
      f32x16 input = load_f32(x + k); \
      VK_UNROLL for (int r = 0; r < rows; ++r) { \
        f32x16 weights = widen(load_##loads(w + (size_t)r * columns + k)); \
        sums[r] = VK_FMA(weights, input, sums[r]); \
      } \
    } \
    if (k < columns) { \
      f32x16 input = load_some_f32(x + k, columns - k); \
      VK_UNROLL for (int r = 0; r < rows; ++r) { \
        f32x16 weights = widen(load_some_##loads(w + (size_t)r * columns + k, columns - k)); \
        sums[r] = VK_FMA(weights, input, sums[r]); \
      } \
    } \
    VK_UNROLL for (int r = 0; r < rows; ++r) out[r] = sum_lanes(sums[r]); \
  } \
  static void VK(name)( \
      float *out, const type *w, const float *x, size_t rows, size_t columns) { \
    size_t r = 0; \
    for (; r + VK_ROWS_AT_ONCE <= rows; r += VK_ROWS_AT_ONCE) { \
      VK(name##_rows)(out + r, w + r * columns, x, columns, VK_ROWS_AT_ONCE); \
    } \
    for (; r < rows; ++r) VK(name##_rows)(out + r, w + r * columns, x, columns, 1); \
  }
VK_PRODUCT(f32_matvec, float, f32, keep_float)
VK_PRODUCT(f16_matvec, uint16_t, u16, widen_half)
VK_PRODUCT(bf16_matvec, uint16_t, u16, widen_bfloat)
