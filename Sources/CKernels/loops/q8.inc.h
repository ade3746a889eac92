// Products with and expansion of q8 matrices; the layout stands in CKernels.h.

VK_INLINE f32x16 widen_codes(i8x16 codes) { return __builtin_convertvector(codes, f32x16); }

/// Each group is summed by itself, then scaled and added.
VK_INLINE void VK(q8_matvec_rows)(
    float *out, const int8_t *codes, const uint16_t *scales, const float *x, size_t columns,
    size_t group_size, size_t groups, const int rows) {
  f32x16 sums[VK_ROWS_AT_ONCE] = {0};
  for (size_t group = 0; group < groups; ++group) {
    size_t k = group * group_size;
    size_t end = columns - k < group_size ? columns : k + group_size;
    f32x16 parts[VK_ROWS_AT_ONCE] = {0};
    for (; k + VK_LANES <= end; k += VK_LANES) {
      f32x16 input = load_f32(x + k);
      VK_UNROLL for (int r = 0; r < rows; ++r) {
        f32x16 weights = widen_codes(load_i8(codes + (size_t)r * columns + k));
        parts[r] = VK_FMA(weights, input, parts[r]);
      }
    }
    if (k < end) {
      f32x16 input = load_some_f32(x + k, end - k);
      VK_UNROLL for (int r = 0; r < rows; ++r) {
        f32x16 weights = widen_codes(load_some_i8(codes + (size_t)r * columns + k, end - k));
        parts[r] = VK_FMA(weights, input, parts[r]);
      }
    }
    VK_UNROLL for (int r = 0; r < rows; ++r) {
      f32x16 scale = widen_half((u16x16)scales[(size_t)r * groups + group]);
      sums[r] = VK_FMA(parts[r], scale, sums[r]);
    }
  }
  VK_UNROLL for (int r = 0; r < rows; ++r) out[r] = sum_lanes(sums[r]);
}

static void VK(q8_matvec)(
    float *out, const int8_t *codes, const uint16_t *scales, const float *x, size_t rows,
    size_t columns, size_t group_size) {
  size_t groups = columns / group_size + (columns % group_size != 0);
  size_t r = 0;
  for (; r + VK_ROWS_AT_ONCE <= rows; r += VK_ROWS_AT_ONCE) {
    VK(q8_matvec_rows)(
        out + r, codes + r * columns, scales + r * groups, x, columns, group_size, groups,
        VK_ROWS_AT_ONCE);
  }
  for (; r < rows; ++r) {
    VK(q8_matvec_rows)(
        out + r, codes + r * columns, scales + r * groups, x, columns, group_size, groups, 1);
  }
}

static void VK(q8_expand)(
    float *out, const int8_t *codes, const uint16_t *scales, size_t rows, size_t columns,
    size_t group_size) {
  for (size_t r = 0; r < rows; ++r, codes += columns, out += columns) {
    for (size_t start = 0; start < columns; start += group_size) {
      size_t k = start, end = columns - k < group_size ? columns : k + group_size;
      f32x16 scale = widen_half((u16x16)*scales++);
      for (; k + VK_LANES <= end; k += VK_LANES) {
        store_f32(out + k, widen_codes(load_i8(codes + k)) * scale);
      }
      if (k < end) {
        f32x16 values = widen_codes(load_some_i8(codes + k, end - k)) * scale;
        store_some_f32(out + k, values, end - k);
      }
      if (columns - start <= group_size) break;
    }
  }
}
