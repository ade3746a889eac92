// Products with and expansion of q4 matrices; the layout stands in CKernels.h.

enum { VK_GROUP = 16, VK_SUPER_BLOCK = 256, VK_GROUPS = VK_SUPER_BLOCK / VK_GROUP };

/// The codes of one row with the places of its scales.
typedef struct q4_row {
  const uint8_t *codes;
  const int8_t *sub_scales;
  const uint16_t *super_scales;
} q4_row;

VK_INLINE q4_row q4_row_at(
    const uint8_t *codes, const int8_t *sub_scales, const uint16_t *super_scales, size_t row,
    size_t columns) {
  return (q4_row){
      codes + row * (columns / 2 + columns % 2),
      sub_scales + row * (columns / VK_GROUP + (columns % VK_GROUP != 0)),
      super_scales + row * (columns / VK_SUPER_BLOCK + (columns % VK_SUPER_BLOCK != 0))};
}

/// The steps of the 16 groups of a super-block, each rounded once at most; zero for groups past the end.
VK_INLINE f32x16 q4_steps(q4_row row, size_t block, size_t groups) {
  const int8_t *sub_scales = row.sub_scales + block * VK_GROUPS;
  i8x16 subs = groups == VK_GROUPS ? load_i8(sub_scales) : load_some_i8(sub_scales, groups);
  return widen_codes(subs) * widen_half((u16x16)row.super_scales[block]);
}

/// 32 codes in order, less 8, from their 16 bytes.
VK_INLINE i8x32 q4_unpack(u8x16 bytes) {
  u8x16 low = bytes & 15, high = bytes >> 4;
  i8x32 codes = (i8x32)__builtin_shufflevector(
          low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11,
          27, 12, 28, 13, 29, 14, 30, 15, 31);
  return codes - 8;
}

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

static void VK(q4_expand)(
    float *out, const uint8_t *codes, const int8_t *sub_scales, const uint16_t *super_scales, size_t rows,
    size_t columns) {
  for (size_t r = 0; r < rows; ++r, out += columns) {
    q4_row row = q4_row_at(codes, sub_scales, super_scales, r, columns);
    for (size_t k = 0; k < columns; k += VK_GROUP) {
      float step = (float)row.sub_scales[k / VK_GROUP]
                   * widen_one_half(row.super_scales[k / VK_SUPER_BLOCK]);
      size_t lanes = columns - k < VK_GROUP ? columns - k : VK_GROUP;
      f32x16 values = widen_codes(q4_unpack(load_some_u8(row.codes + k / 2, (lanes + 1) / 2)).lo);
      store_some_f32(out + k, values * splat(step), lanes);
    }
  }
}
