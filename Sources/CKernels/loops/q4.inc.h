// The layout of q4 rows, which CKernels.h describes, and their expansion.

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

/// The steps of the 16 groups of a super-block, each rounded once at most; zero for groups past the
/// end.
VK_INLINE f32x16 q4_steps(q4_row row, size_t block, size_t groups) {
  const int8_t *sub_scales = row.sub_scales + block * VK_GROUPS;
  i8x16 subs = groups == VK_GROUPS ? load_i8(sub_scales) : load_some_i8(sub_scales, groups);
  return widen_codes(subs) * widen_half((u16x16)row.super_scales[block]);
}

/// 32 codes in order, less 8, from their 16 bytes.
VK_INLINE i8x32 q4_unpack(u8x16 bytes) {
  u8x16 low = bytes & 15, high = bytes >> 4;
  i8x32 codes = (i8x32)__builtin_shufflevector(
          low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26,
          11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return codes - 8;
}

static void VK(q4_expand)(
    float *out, const uint8_t *codes, const int8_t *sub_scales, const uint16_t *super_scales,
    size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; ++r, out += columns) {
    q4_row row = q4_row_at(codes, sub_scales, super_scales, r, columns);
    for (size_t start = 0; start < columns; start += VK_SUPER_BLOCK) {
      size_t length = columns - start < VK_SUPER_BLOCK ? columns - start : VK_SUPER_BLOCK;
      float steps[VK_GROUPS] = {0};
      store_f32(
          steps, q4_steps(row, start / VK_SUPER_BLOCK, (length + VK_GROUP - 1) / VK_GROUP));
      for (size_t offset = 0; offset < length; offset += 2 * VK_GROUP) {
        size_t k = start + offset, left = length - offset;
        f32x16 first_step = splat(steps[offset / VK_GROUP]);
        f32x16 second_step = splat(steps[offset / VK_GROUP + 1]);
        if (left >= 2 * VK_GROUP) {
          i8x32 pair = q4_unpack(load_u8(row.codes + k / 2));
          store_f32(out + k, widen_codes(pair.lo) * first_step);
          store_f32(out + k + VK_GROUP, widen_codes(pair.hi) * second_step);
        } else {
          i8x32 pair = q4_unpack(load_some_u8(row.codes + k / 2, (left + 1) / 2));
          float values[2 * VK_GROUP];
          store_f32(values, widen_codes(pair.lo) * first_step);
          store_f32(values + VK_GROUP, widen_codes(pair.hi) * second_step);
          memcpy(out + k, values, left * sizeof *out);
        }
      }
    }
  }
}
