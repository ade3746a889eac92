// Products of tiled weights and rounded inputs by byte dot products. A few tokens go side by side,
// so that weights are unpacked once for all of them; what is done for a token is the same for any
// number of them.

/// The inputs of the tokens from one on.
typedef struct token_inputs {
  const int8_t *codes;
  const int32_t *offsets;
  const float *scales;
  size_t padded, sums, groups;
} token_inputs;

/// Four codes of a token for each of 16 rows.
VK_INLINE i8x64 splat_codes(const int8_t *codes) {
  uint32_t word;
  memcpy(&word, codes, sizeof word);
  return (i8x64)(u32x16)word;
}

VK_INLINE u8x64 load_vector(const uint8_t *from) {
  u8x64 v;
  memcpy(&v, from, sizeof v);
  return v;
}

VK_INLINE f32x16 float_of_numbers(i32x16 v) { return __builtin_convertvector(v, f32x16); }

/// 16 rows and all columns of a q4 matrix.
typedef struct q4_stripe {
  const uint8_t *tiles;
  const int8_t *sub_scales;
  const uint16_t *super_scales;
} q4_stripe;

/// Adds the products of 16 columns, times their sub-scales, to the sums of each token.
VK_INLINE void q4_add_group(
    i32x16 *sums, q4_stripe stripe, size_t group, const token_inputs *inputs, const int tokens) {
  const uint8_t *tile = stripe.tiles + group * 2 * VK_VECTOR;
  u8x64 first = load_vector(tile), second = load_vector(tile + VK_VECTOR);
  u8x64 a = first & 15, b = first >> 4, c = second & 15, d = second >> 4;
  i32x16 step =
      __builtin_convertvector(load_i8(stripe.sub_scales + group * VK_LANES), i32x16);
  VK_UNROLL for (int t = 0; t < tokens; ++t) {
    const int8_t *codes = inputs->codes + (size_t)t * inputs->padded + group * VK_GROUP;
    i32x16 sum = (i32x16)inputs->offsets[(size_t)t * inputs->sums + group];
    sum = VK_DOT(sum, a, splat_codes(codes));
    sum = VK_DOT(sum, b, splat_codes(codes + 4));
    sum = VK_DOT(sum, c, splat_codes(codes + 8));
    sum = VK_DOT(sum, d, splat_codes(codes + 12));
    sums[t] += sum * step;
  }
}

/// Whole numbers up to the scale of the inputs, then floats up to the super-scale.
VK_INLINE void q4_multiply_stripe(
    float *out, size_t stride, size_t lanes, q4_stripe stripe, size_t groups,
    const token_inputs *inputs, const int tokens) {
  const size_t together = VK_SCALE_COLUMNS / VK_GROUP;
  f32x16 totals[VK_TOKENS_AT_ONCE] = {0};
  for (size_t block = 0; block < groups; block += VK_GROUPS) {
    f32x16 parts[VK_TOKENS_AT_ONCE] = {0};
    size_t block_end = groups - block < VK_GROUPS ? groups : block + VK_GROUPS;
    for (size_t g = block; g < block_end; g += together) {
      i32x16 sums[VK_TOKENS_AT_ONCE] = {0};
      if (block_end - g >= together) {
        VK_UNROLL for (size_t i = 0; i < together; ++i) {
          q4_add_group(sums, stripe, g + i, inputs, tokens);
        }
      } else {
        for (size_t i = g; i < block_end; ++i) q4_add_group(sums, stripe, i, inputs, tokens);
      }
      VK_UNROLL for (int t = 0; t < tokens; ++t) {
        f32x16 scale = splat(inputs->scales[(size_t)t * inputs->groups + g / together]);
        parts[t] = VK_FMA(float_of_numbers(sums[t]), scale, parts[t]);
      }
    }
    f32x16 scale =
        widen_half(load_u16(stripe.super_scales + block / VK_GROUPS * VK_LANES));
    VK_UNROLL for (int t = 0; t < tokens; ++t) totals[t] = VK_FMA(parts[t], scale, totals[t]);
  }
  VK_UNROLL for (int t = 0; t < tokens; ++t) {
    store_lanes(out + (size_t)t * stride, totals[t], lanes);
  }
}

/// 16 rows and all columns of a q8 matrix.
typedef struct q8_stripe {
  const uint8_t *tiles;
  const uint16_t *scales;
} q8_stripe;

VK_INLINE void q8_add_vector(
    i32x16 *sums, const uint8_t *tile, size_t column, const token_inputs *inputs,
    const int tokens) {
  u8x64 codes = load_vector(tile);
  VK_UNROLL for (int t = 0; t < tokens; ++t) {
    sums[t] = VK_DOT_CODES(
        sums[t], codes, splat_codes(inputs->codes + (size_t)t * inputs->padded + column));
  }
}

/// `together` columns share a scale of the inputs; one or more such groups share a scale of the
/// weights.
VK_INLINE void q8_multiply_stripe(
    float *out, size_t stride, size_t lanes, q8_stripe stripe, size_t padded, size_t group_size,
    const token_inputs *inputs, const int tokens) {
  const size_t together = group_size < VK_SCALE_COLUMNS ? group_size : VK_SCALE_COLUMNS;
  f32x16 totals[VK_TOKENS_AT_ONCE] = {0};
  for (size_t k = 0, g = 0; k < padded; k += together, ++g) {
    i32x16 sums[VK_TOKENS_AT_ONCE];
    VK_UNROLL for (int t = 0; t < tokens; ++t) {
      sums[t] = (i32x16)(VK_CODES_OFFSET(inputs->offsets[(size_t)t * inputs->sums + g]));
    }
    size_t end = padded - k < together ? padded : k + together;
    for (size_t at = k; at < end; at += VK_INPUT_STEP) {
      VK_UNROLL for (size_t i = 0; i < VK_INPUT_STEP; i += 4) {
        q8_add_vector(sums, stripe.tiles + (at + i) / 4 * VK_VECTOR, at + i, inputs, tokens);
      }
    }
    f32x16 scale = widen_half(load_u16(stripe.scales + k / group_size * VK_LANES));
    VK_UNROLL for (int t = 0; t < tokens; ++t) {
      f32x16 part =
          float_of_numbers(sums[t]) * splat(inputs->scales[(size_t)t * inputs->groups + g]);
      totals[t] = VK_FMA(part, scale, totals[t]);
    }
  }
  VK_UNROLL for (int t = 0; t < tokens; ++t) {
    store_lanes(out + (size_t)t * stride, totals[t], lanes);
  }
}

VK_INLINE token_inputs inputs_from(
    const vk_inputs *inputs, size_t token, size_t columns, size_t scale_columns,
    size_t offset_columns) {
  size_t padded = padded_columns(columns);
  size_t groups = quotient_up(padded, scale_columns), sums = quotient_up(padded, offset_columns);
  return (token_inputs){
      inputs->codes + token * padded, inputs->offsets + token * sums,
      inputs->scales + token * groups, padded, sums, groups};
}

/// Calls `multiply(count)` with as many tokens at once as there are registers for. The counts are
/// constants, so that each gets a loop of its own.
#define VK_FOR_TOKENS(tokens, multiply) \
  for (size_t token = 0; token < (tokens);) { \
    size_t left = (tokens) - token; \
    if (VK_TOKENS_AT_ONCE >= 8 && left >= 8) { \
      multiply(8); \
      token += 8; \
    } else if (left >= 4) { \
      multiply(4); \
      token += 4; \
    } else if (left == 3) { \
      multiply(3); \
      token += 3; \
    } else if (left == 2) { \
      multiply(2); \
      token += 2; \
    } else { \
      multiply(1); \
      token += 1; \
    } \
  }

static void VK(q4_multiply)(
    float *out, size_t stride, const uint8_t *tiles, const int8_t *sub_scales,
    const uint16_t *super_scales, const vk_inputs *inputs, size_t tokens, size_t first_row,
    size_t rows, size_t columns) {
  size_t groups = quotient_up(columns, VK_GROUP), blocks = quotient_up(columns, VK_SUPER_BLOCK);
  for (size_t r = 0; r < rows; r += VK_LANES) {
    size_t index = (first_row + r) / VK_LANES, lanes = rows - r < VK_LANES ? rows - r : VK_LANES;
    q4_stripe stripe = {
        tiles + index * groups * 2 * VK_VECTOR, sub_scales + index * groups * VK_LANES,
        super_scales + index * blocks * VK_LANES};
#define VK_MULTIPLY(count) \
  token_inputs at = inputs_from(inputs, token, columns, VK_SCALE_COLUMNS, VK_GROUP); \
  q4_multiply_stripe(out + token * stride + r, stride, lanes, stripe, groups, &at, count)
    VK_FOR_TOKENS(tokens, VK_MULTIPLY)
#undef VK_MULTIPLY
  }
}

static void VK(q8_multiply)(
    float *out, size_t stride, const uint8_t *tiles, const uint16_t *scales,
    const vk_inputs *inputs, size_t tokens, size_t first_row, size_t rows, size_t columns,
    size_t group_size) {
  size_t padded = padded_columns(columns), groups = quotient_up(columns, group_size);
  size_t together = group_size < VK_SCALE_COLUMNS ? group_size : VK_SCALE_COLUMNS;
  for (size_t r = 0; r < rows; r += VK_LANES) {
    size_t index = (first_row + r) / VK_LANES, lanes = rows - r < VK_LANES ? rows - r : VK_LANES;
    q8_stripe stripe = {tiles + index * padded * VK_LANES, scales + index * groups * VK_LANES};
#define VK_MULTIPLY(count) \
  token_inputs at = inputs_from(inputs, token, columns, together, together); \
  q8_multiply_stripe( \
      out + token * stride + r, stride, lanes, stripe, padded, group_size, &at, count)
    VK_FOR_TOKENS(tokens, VK_MULTIPLY)
#undef VK_MULTIPLY
  }
}
