// Products with q4 matrices in floats, where there is no byte dot product.

/// Two groups a turn: one load gives the codes of both, each fills one vector and has one step.
VK_INLINE void VK(q4_matvec_rows)(
    float *out, const q4_row *row, const float *x, size_t columns, const int rows) {
  f32x16 sums[VK_ROWS_AT_ONCE] = {0};
  size_t full = columns / VK_SUPER_BLOCK;
  float steps[VK_ROWS_AT_ONCE][VK_GROUPS];
  for (size_t block = 0; block < full; ++block) {
    VK_UNROLL for (int r = 0; r < rows; ++r) {
      store_f32(steps[r], q4_steps(row[r], block, VK_GROUPS));
    }
    for (int pair = 0; pair < VK_GROUPS / 2; ++pair) {
      size_t k = block * VK_SUPER_BLOCK + (size_t)pair * 2 * VK_GROUP;
      f32x16 first = load_f32(x + k), second = load_f32(x + k + VK_GROUP);
      VK_UNROLL for (int r = 0; r < rows; ++r) {
        i8x32 codes = q4_unpack(load_u8(row[r].codes + k / 2));
        sums[r] = VK_FMA(widen_codes(codes.lo) * first, splat(steps[r][2 * pair]), sums[r]);
        sums[r] = VK_FMA(widen_codes(codes.hi) * second, splat(steps[r][2 * pair + 1]), sums[r]);
      }
    }
  }
  size_t rest = columns % VK_SUPER_BLOCK;
  for (int r = 0; rest && r < rows; ++r) {
    store_f32(steps[r], q4_steps(row[r], full, (rest + VK_GROUP - 1) / VK_GROUP));
    for (size_t offset = 0; offset < rest; offset += 2 * VK_GROUP) {
      size_t k = full * VK_SUPER_BLOCK + offset, left = rest - offset;
      size_t in_first = left < VK_GROUP ? left : VK_GROUP, in_second = left - in_first;
      if (in_second > VK_GROUP) in_second = VK_GROUP;
      i8x32 codes = q4_unpack(load_some_u8(row[r].codes + k / 2, (in_first + in_second + 1) / 2));
      f32x16 first = load_some_f32(x + k, in_first);
      sums[r] = VK_FMA(widen_codes(codes.lo) * first, splat(steps[r][offset / VK_GROUP]), sums[r]);
      if (in_second == 0) break;
      f32x16 second = load_some_f32(x + k + VK_GROUP, in_second);
      sums[r] =
          VK_FMA(widen_codes(codes.hi) * second, splat(steps[r][offset / VK_GROUP + 1]), sums[r]);
    }
  }
  VK_UNROLL for (int r = 0; r < rows; ++r) out[r] = sum_lanes(sums[r]);
}

static void VK(q4_matvec)(
    float *out, const uint8_t *codes, const int8_t *sub_scales, const uint16_t *super_scales,
    const float *x, size_t rows, size_t columns) {
  q4_row row[VK_ROWS_AT_ONCE];
  size_t r = 0;
  for (; r + VK_ROWS_AT_ONCE <= rows; r += VK_ROWS_AT_ONCE) {
    VK_UNROLL for (int i = 0; i < VK_ROWS_AT_ONCE; ++i) {
      row[i] = q4_row_at(codes, sub_scales, super_scales, r + (size_t)i, columns);
    }
    VK(q4_matvec_rows)(out + r, row, x, columns, VK_ROWS_AT_ONCE);
  }
  for (; r < rows; ++r) {
    row[0] = q4_row_at(codes, sub_scales, super_scales, r, columns);
    VK(q4_matvec_rows)(out + r, row, x, columns, 1);
  }
}
