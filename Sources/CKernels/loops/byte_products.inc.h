// Products of tiled weights and rounded inputs by byte dot products. A few tokens go side by side,
// so that weights are unpacked once for all of them; what is done for a token is the same for any
// number of them.

/// The inputs of some tokens of a bundle.
typedef struct token_inputs {
  const int8_t *codes;
  const int32_t *offsets;
  const float *scales;
  size_t width;  // tokens of the bundle
} token_inputs;

/// Four codes of a token for each of 16 rows.
VK_INLINE i8x64 splat_codes(const int8_t *codes) {
  uint32_t word;
  memcpy(&word, codes, sizeof word);
  return (i8x64)(u32x16)word;
}

/// A vector of weights.
VK_INLINE u8x64 load_vector(const uint8_t *from) {
  VK_PREFETCH(from);
  u8x64 v;
  memcpy(&v, from, sizeof v);
  return v;
}

/// The codes of 16 rows and columns, four columns to a vector.
typedef struct code_group {
  u8x64 fours[4];
} code_group;

VK_INLINE code_group load_nibbles(const uint8_t *tile) {
  u8x64 first = load_vector(tile), second = load_vector(tile + VK_VECTOR);
  return (code_group){{first & 15, first >> 4, second & 15, second >> 4}};
}

VK_INLINE code_group load_sixes(const uint8_t *tile) {
  u8x64 high = load_vector(tile + 2 * VK_VECTOR);
  code_group codes = load_nibbles(tile);
  codes.fours[0] |= high << 4 & 0x30;
  codes.fours[1] |= high << 2 & 0x30;
  codes.fours[2] |= high & 0x30;
  codes.fours[3] |= high >> 2 & 0x30;
  return codes;
}

VK_INLINE f32x16 float_of_numbers(i32x16 v) { return __builtin_convertvector(v, f32x16); }

/// 16 rows and all columns of a q4 matrix.
typedef struct q4_stripe {
  const uint8_t *tiles;
  const int8_t *sub_scales;
  const uint16_t *super_scales;
} q4_stripe;

VK_INLINE code_group q4_load_group(q4_stripe stripe, size_t group) {
  return load_nibbles(stripe.tiles + group * 2 * VK_VECTOR);
}

#ifdef VK_ADD_SHORT

/// The products of 16 columns and one token, as pairs of 16 bits that add up to them.
VK_INLINE i32x16 q4_short_sums(
    const code_group *codes, size_t group, const token_inputs *inputs, const int token) {
  const size_t width = inputs->width;
  const int8_t *input = inputs->codes + group * VK_GROUP * width + 4 * token;
  i32x16 pairs = (i32x16)(inputs->offsets[group * width + (size_t)token] & 0xffff);
  VK_UNROLL for (int i = 0; i < 4; ++i) {
    pairs = VK_ADD_SHORT(pairs, codes->fours[i], splat_codes(input + 4 * (size_t)i * width));
  }
  return pairs;
}

/// The sub-scales of a group, each twice in 16 bits.
VK_INLINE i32x16 q4_double_scales(q4_stripe stripe, size_t group) {
  i16x16 scales = __builtin_convertvector(load_i8(stripe.sub_scales + group * VK_LANES), i16x16);
  return (i32x16)__builtin_shufflevector(
      scales, scales, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11,
      12, 12, 13, 13, 14, 14, 15, 15);
}

/// The products of the one or two groups that share a scale of the inputs, times their sub-scales.
VK_INLINE void q4_dot_pair(
    i32x16 *sums, q4_stripe stripe, size_t group, const int has_second,
    const token_inputs *inputs, const int tokens) {
  VK_UNROLL for (int t = 0; t < tokens; ++t) sums[t] = 0;
  VK_UNROLL for (size_t g = group; g <= group + (size_t)has_second; ++g) {
    const code_group codes = q4_load_group(stripe, g);
    const i32x16 scales = q4_double_scales(stripe, g);
    VK_UNROLL for (int t = 0; t < tokens; ++t) {
      sums[t] = VK_ADD_SCALED(sums[t], q4_short_sums(&codes, g, inputs, t), scales);
    }
  }
}

#else

/// The products of 16 columns and one token; they fit in 15 bits and a sign.
VK_INLINE i32x16 q4_dot_group(
    const code_group *codes, size_t group, const token_inputs *inputs, const int token) {
  const size_t width = inputs->width;
  const int8_t *input = inputs->codes + group * VK_GROUP * width + 4 * token;
  i32x16 sum = (i32x16)inputs->offsets[group * width + (size_t)token];
  VK_UNROLL for (int i = 0; i < 4; ++i) {
    sum = VK_DOT(sum, codes->fours[i], splat_codes(input + 4 * (size_t)i * width));
  }
  return sum;
}

VK_INLINE i32x16 q4_sub_scales(q4_stripe stripe, size_t group) {
  return __builtin_convertvector(load_i8(stripe.sub_scales + group * VK_LANES), i32x16);
}

/// The same by way of sums in 32 bits.
VK_INLINE void q4_dot_pair(
    i32x16 *sums, q4_stripe stripe, size_t group, const int has_second,
    const token_inputs *inputs, const int tokens) {
  code_group first = q4_load_group(stripe, group), second = first;
  i32x16 scales = q4_sub_scales(stripe, group) & 0xffff;
  if (has_second) {
    second = q4_load_group(stripe, group + 1);
    scales |= q4_sub_scales(stripe, group + 1) << 16;
  }
  VK_UNROLL for (int t = 0; t < tokens; ++t) {
    i32x16 low = q4_dot_group(&first, group, inputs, t);
    i32x16 high = has_second ? q4_dot_group(&second, group + 1, inputs, t) : (i32x16)0;
    sums[t] = VK_DOT_PAIRS(low, high, scales);
  }
}

#endif

/// Whole numbers up to the scale of the inputs, then floats up to the super-scale.
VK_INLINE void q4_multiply_stripe(
    float *out, size_t stride, size_t lanes, q4_stripe stripe, size_t groups,
    const token_inputs *inputs, const int tokens) {
  f32x16 totals[VK_TOKENS_AT_ONCE] = {0};
  for (size_t block = 0; block < groups; block += VK_GROUPS) {
    f32x16 parts[VK_TOKENS_AT_ONCE] = {0};
    size_t block_end = groups - block < VK_GROUPS ? groups : block + VK_GROUPS;
    for (size_t g = block; g < block_end; g += 2) {
      i32x16 sums[VK_TOKENS_AT_ONCE];
      if (block_end - g >= 2) {
        q4_dot_pair(sums, stripe, g, 1, inputs, tokens);
      } else {
        q4_dot_pair(sums, stripe, g, 0, inputs, tokens);
      }
      VK_UNROLL for (int t = 0; t < tokens; ++t) {
        f32x16 scale = splat(inputs->scales[g / 2 * inputs->width + (size_t)t]);
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

/// 16 rows and all columns of a matrix of single scales, q8 or q6.
typedef struct scaled_stripe {
  const uint8_t *tiles;
  const uint16_t *scales;
} scaled_stripe;

/// Adds the products of four columns; `bits` of a code is a constant.
VK_INLINE void add_four_columns(
    i32x16 *sums, u8x64 codes, const int bits, const int8_t *input, const int tokens) {
  VK_UNROLL for (int t = 0; t < tokens; ++t) {
    i8x64 splat = splat_codes(input + 4 * (size_t)t);
    sums[t] = bits == 6 ? VK_DOT(sums[t], codes, splat) : VK_DOT_CODES(sums[t], codes, splat);
    VK_IN_TURN(sums[t]);
  }
}

/// Adds the products of 16 columns.
VK_INLINE void add_columns(
    i32x16 *sums, scaled_stripe stripe, const int bits, size_t column,
    const token_inputs *inputs, const int tokens) {
  const uint8_t *tile = stripe.tiles + column / VK_INPUT_STEP * code_group_bytes(bits);
  const int8_t *input = inputs->codes + column * inputs->width;
  code_group sixes;
  if (bits == 6) sixes = load_sixes(tile);
  VK_UNROLL for (size_t i = 0; i < 4; ++i) {
    u8x64 codes = bits == 6 ? sixes.fours[i] : load_vector(tile + i * VK_VECTOR);
    add_four_columns(sums, codes, bits, input + 4 * i * inputs->width, tokens);
  }
}

/// Adds the products of the columns that share a scale of the inputs.
VK_INLINE void add_group(
    i32x16 *sums, scaled_stripe stripe, const int bits, size_t column, size_t end,
    const token_inputs *inputs, const int tokens) {
  if (end - column == VK_SCALE_COLUMNS) {
    VK_UNROLL for (size_t k = 0; k < VK_SCALE_COLUMNS; k += VK_INPUT_STEP) {
      add_columns(sums, stripe, bits, column + k, inputs, tokens);
    }
  } else {
    for (size_t k = column; k < end; k += VK_INPUT_STEP) {
      add_columns(sums, stripe, bits, k, inputs, tokens);
    }
  }
}

/// What the sums of a group begin with: codes are not negative where they lie.
VK_INLINE i32x16 group_offset(const int bits, int32_t offset) {
  return (i32x16)(bits == 6 ? offset : VK_CODES_OFFSET(offset));
}

/// `together` columns share a scale of the inputs; one or more such groups share a scale of the
/// weights.
VK_INLINE void scaled_multiply_stripe(
    float *out, size_t stride, size_t lanes, scaled_stripe stripe, const int bits, size_t padded,
    size_t group_size, const token_inputs *inputs, const int tokens) {
  const size_t together = group_size < VK_SCALE_COLUMNS ? group_size : VK_SCALE_COLUMNS;
  f32x16 totals[VK_TOKENS_AT_ONCE] = {0};
  for (size_t group = 0, g = 0; group < padded; group += group_size) {
    f32x16 parts[VK_TOKENS_AT_ONCE] = {0};
    size_t group_end = padded - group < group_size ? padded : group + group_size;
    for (size_t k = group; k < group_end; k += together, ++g) {
      i32x16 sums[VK_TOKENS_AT_ONCE];
      VK_UNROLL for (int t = 0; t < tokens; ++t) {
        sums[t] = group_offset(bits, inputs->offsets[g * inputs->width + (size_t)t]);
      }
      size_t end = group_end - k < together ? group_end : k + together;
      add_group(sums, stripe, bits, k, end, inputs, tokens);
      VK_UNROLL for (int t = 0; t < tokens; ++t) {
        f32x16 scale = splat(inputs->scales[g * inputs->width + (size_t)t]);
        parts[t] = VK_FMA(float_of_numbers(sums[t]), scale, parts[t]);
      }
    }
    f32x16 scale = widen_half(load_u16(stripe.scales + group / group_size * VK_LANES));
    VK_UNROLL for (int t = 0; t < tokens; ++t) totals[t] = VK_FMA(parts[t], scale, totals[t]);
  }
  VK_UNROLL for (int t = 0; t < tokens; ++t) {
    store_lanes(out + (size_t)t * stride, totals[t], lanes);
  }
}

/// The inputs from a token on that is in the bundle of `width` tokens from `first` on.
VK_INLINE token_inputs inputs_from(
    const vk_inputs *inputs, size_t first, size_t token, size_t width, size_t columns,
    size_t scale_columns, size_t offset_columns) {
  size_t padded = padded_columns(columns), place = token - first;
  return (token_inputs){
      inputs->codes + first * padded + 4 * place,
      inputs->offsets + first * quotient_up(padded, offset_columns) + place,
      inputs->scales + first * quotient_up(padded, scale_columns) + place, width};
}

/// Calls `multiply(bundle, token, width, count)` with as many tokens of a bundle at once as there
/// are registers for. Counts are constants, and widths where it matters, so that each gets a loop of
/// its own.
#define VK_FOR_TOKENS(tokens, multiply) \
  for (size_t bundle = 0; bundle < (tokens); bundle += VK_INPUT_BUNDLE) { \
    size_t width = (tokens) - bundle < VK_INPUT_BUNDLE ? (tokens) - bundle : VK_INPUT_BUNDLE; \
    switch (width) { \
      case 1: multiply(bundle, bundle, 1, 1); break; \
      case 2: multiply(bundle, bundle, 2, 2); break; \
      case 3: multiply(bundle, bundle, 3, 3); break; \
      case 4: multiply(bundle, bundle, 4, 4); break; \
      case VK_INPUT_BUNDLE: \
        for (size_t t = 0; t < VK_INPUT_BUNDLE; t += VK_TOKENS_AT_ONCE) { \
          multiply(bundle, bundle + t, VK_INPUT_BUNDLE, VK_TOKENS_AT_ONCE); \
        } \
        break; \
      default: \
        multiply(bundle, bundle, width, 4); \
        for (size_t t = 4; t < width; ++t) multiply(bundle, bundle + t, width, 1); \
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
#define VK_MULTIPLY(bundle, token, width, count) \
  do { \
    token_inputs at = \
        inputs_from(inputs, bundle, token, width, columns, VK_SCALE_COLUMNS, VK_GROUP); \
    q4_multiply_stripe(out + (token) * stride + r, stride, lanes, stripe, groups, &at, count); \
  } while (0)
    VK_FOR_TOKENS(tokens, VK_MULTIPLY)
#undef VK_MULTIPLY
  }
}

/// The product of a matrix of single scales; `bits` is a constant.
VK_INLINE void scaled_multiply(
    float *out, size_t stride, const uint8_t *tiles, const uint16_t *scales,
    const vk_inputs *inputs, size_t tokens, size_t first_row, size_t rows, size_t columns,
    size_t group_size, const int bits) {
  size_t padded = padded_columns(columns), groups = quotient_up(columns, group_size);
  size_t together = group_size < VK_SCALE_COLUMNS ? group_size : VK_SCALE_COLUMNS;
  size_t stripe_bytes = padded / VK_INPUT_STEP * code_group_bytes(bits);
  for (size_t r = 0; r < rows; r += VK_LANES) {
    size_t index = (first_row + r) / VK_LANES, lanes = rows - r < VK_LANES ? rows - r : VK_LANES;
    scaled_stripe stripe = {tiles + index * stripe_bytes, scales + index * groups * VK_LANES};
#define VK_MULTIPLY(bundle, token, width, count) \
  do { \
    token_inputs at = inputs_from(inputs, bundle, token, width, columns, together, together); \
    scaled_multiply_stripe( \
        out + (token) * stride + r, stride, lanes, stripe, bits, padded, group_size, &at, count); \
  } while (0)
    VK_FOR_TOKENS(tokens, VK_MULTIPLY)
#undef VK_MULTIPLY
  }
}

static void VK(q8_multiply)(
    float *out, size_t stride, const uint8_t *tiles, const uint16_t *scales,
    const vk_inputs *inputs, size_t tokens, size_t first_row, size_t rows, size_t columns,
    size_t group_size) {
  scaled_multiply(
      out, stride, tiles, scales, inputs, tokens, first_row, rows, columns, group_size, 8);
}

static void VK(q6_multiply)(
    float *out, size_t stride, const uint8_t *tiles, const uint16_t *scales,
    const vk_inputs *inputs, size_t tokens, size_t first_row, size_t rows, size_t columns,
    size_t group_size) {
  scaled_multiply(
      out, stride, tiles, scales, inputs, tokens, first_row, rows, columns, group_size, 6);
}
