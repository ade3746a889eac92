// Inputs of byte products: rows of activations rounded to bytes, group by group.

VK_INLINE size_t quotient_up(size_t count, size_t size) { return (count + size - 1) / size; }

VK_INLINE size_t padded_columns(size_t columns) {
  return quotient_up(columns, VK_INPUT_STEP) * VK_INPUT_STEP;
}

/// The inputs of one group times their steps, padded with zeros to whole vectors.
typedef struct input_group {
  f32x16 values[VK_SCALE_COLUMNS / VK_LANES];
  size_t vectors;
} input_group;

/// `steps` belong to the inputs; NULL stands for ones.
VK_INLINE input_group load_group(const float *x, const uint16_t *steps, size_t columns) {
  input_group group = {.vectors = padded_columns(columns) / VK_LANES};
  for (size_t v = 0; v < group.vectors; ++v) {
    size_t first = v * VK_LANES, left = columns - first;
    size_t lanes = left < VK_LANES ? left : VK_LANES;
    group.values[v] = load_lanes(x + first, lanes);
    if (steps) group.values[v] *= widen_half(load_half_lanes(steps + first, lanes));
  }
  return group;
}

/// The largest of magnitudes given as bits; infinite or not-a-number if one is.
VK_INLINE float largest_lane_or_special(u32x16 magnitudes) {
  uint32_t bits = __builtin_reduce_max(magnitudes);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// The largest magnitude; infinite or not-a-number if an element is.
VK_INLINE float largest_or_special(const input_group *group) {
  u32x16 largest = 0;
  for (size_t v = 0; v < group->vectors; ++v) {
    u32x16 magnitude = bits_of(group->values[v]) & 0x7fffffffu;
    largest = choose_bits(magnitude > largest, magnitude, largest);
  }
  return largest_lane_or_special(largest);
}

/// 16 codes of one token of a bundle: fours lie `width` fours apart.
VK_INLINE void store_codes(int8_t *codes, size_t width, i32x16 numbers) {
  i8x16 bytes = __builtin_convertvector(numbers, i8x16);
  for (size_t four = 0; four < 4; ++four) {
    memcpy(codes + 4 * four * width, (const int8_t *)&bytes + 4 * four, 4);
  }
}

/// Where one token of a bundle lies, and what is common to all.
typedef struct input_row {
  int8_t *codes;
  int32_t *offsets;
  float *scales;
  size_t width;
} input_row;

typedef struct input_shape {
  size_t columns, padded, scale_columns, offset_columns, groups, sums;
  int32_t offset;
} input_shape;

VK_INLINE input_shape input_shape_of(
    size_t columns, size_t scale_columns, size_t offset_columns, int offset) {
  size_t padded = padded_columns(columns);
  return (input_shape){
      columns, padded, scale_columns, offset_columns,
      quotient_up(padded, scale_columns), quotient_up(padded, offset_columns), offset};
}

/// Row `row` of `rows`.
VK_INLINE input_row input_row_at(
    const input_shape *shape, int8_t *codes, int32_t *offsets, float *scales, size_t row,
    size_t rows) {
  size_t place = row % VK_INPUT_BUNDLE, first = row - place, left = rows - first;
  return (input_row){
      codes + first * shape->padded + 4 * place, offsets + first * shape->sums + place,
      scales + first * shape->groups + place, left < VK_INPUT_BUNDLE ? left : VK_INPUT_BUNDLE};
}

/// Adds 16 codes to the sum that their offset is made of.
VK_INLINE void add_offset(
    input_row row, const input_shape *shape, size_t column, i32x16 numbers) {
  int32_t *sum = row.offsets + column / shape->offset_columns * row.width;
  if (column % shape->offset_columns == 0) *sum = 0;
  *sum -= shape->offset * __builtin_reduce_add(numbers);
}

/// Below this the inputs of a group count as zero: their inverse would overflow.
#define VK_SMALLEST_INPUT 0x1p-100f

/// Rounds one group, the one from column k on; `columns` is a constant for whole groups.
VK_INLINE void round_group(
    input_row row, const input_shape *shape, size_t k, const float *x, const uint16_t *steps,
    size_t columns) {
  input_group group = load_group(x + k, steps ? steps + k : steps, columns);
  float largest = largest_or_special(&group);
  float inverse = largest < VK_SMALLEST_INPUT ? 0 : 127 / largest;
  row.scales[k / shape->scale_columns * row.width] =
      largest < VK_SMALLEST_INPUT ? 0 : largest * (1.0f / 127);
  for (size_t v = 0; v < group.vectors; ++v) {
    size_t column = k + v * VK_LANES;
    f32x16 scaled = clamp(group.values[v] * splat(inverse), -127, 127);
    i32x16 numbers = __builtin_convertvector(round_small(scaled), i32x16);
    store_codes(row.codes + column * row.width, row.width, numbers);
    add_offset(row, shape, column, numbers);
  }
}

static void VK(round_inputs)(
    int8_t *codes, int32_t *offsets, float *scales, const float *x, size_t stride,
    const uint16_t *steps, size_t tokens, size_t columns, size_t scale_columns,
    size_t offset_columns, int offset) {
  input_shape shape = input_shape_of(columns, scale_columns, offset_columns, offset);
  for (size_t t = 0; t < tokens; ++t, x += stride) {
    input_row row = input_row_at(&shape, codes, offsets, scales, t, tokens);
    for (size_t k = 0; k < columns; k += scale_columns) {
      size_t left = columns - k < scale_columns ? columns - k : scale_columns;
      if (left == VK_SCALE_COLUMNS) {
        round_group(row, &shape, k, x, steps, VK_SCALE_COLUMNS);
      } else {
        round_group(row, &shape, k, x, steps, left);
      }
    }
  }
}

// Digits to the base 254 within +-127: one more than the base needs, so that a quotient may be
// rounded a little wrong.
#define VK_DIGIT_BASE 254.0f
static const float VK(digit_weights)[VK_INPUT_DIGITS] = {254.0f * 254.0f, 254.0f, 1.0f};

static void VK(split_inputs)(
    int8_t *codes, int32_t *offsets, float *scales, const float *x, size_t stride,
    const uint16_t *steps, size_t tokens, size_t columns, size_t scale_columns,
    size_t offset_columns, int offset) {
  const float limit = 127 * 254.0f * 254.0f;
  input_shape shape = input_shape_of(columns, scale_columns, offset_columns, offset);
  for (size_t t = 0; t < tokens; ++t, x += stride) {
    input_row rows[VK_INPUT_DIGITS];
    for (size_t d = 0; d < VK_INPUT_DIGITS; ++d) {
      rows[d] = input_row_at(
          &shape, codes, offsets, scales, t * VK_INPUT_DIGITS + d, tokens * VK_INPUT_DIGITS);
    }
    for (size_t g = 0, k = 0; g < shape.groups; ++g, k += scale_columns) {
      size_t left = columns - k < scale_columns ? columns - k : scale_columns;
      input_group group = load_group(x + k, steps ? steps + k : steps, left);
      float largest = largest_or_special(&group);
      float inverse = largest < VK_SMALLEST_INPUT ? 0 : limit / largest;
      float scale = largest < VK_SMALLEST_INPUT ? 0 : largest / limit;
      for (size_t d = 0; d < VK_INPUT_DIGITS; ++d) {
        rows[d].scales[g * rows[d].width] = scale * VK(digit_weights)[d];
      }
      for (size_t v = 0; v < group.vectors; ++v) {
        size_t column = k + v * VK_LANES;
        f32x16 scaled = group.values[v] * splat(inverse);
        // Whole numbers below 2^23, exact as floats; so are the products with the base.
        f32x16 rest = round_whole(clamp(scaled, -limit, limit));
        for (size_t d = VK_INPUT_DIGITS; d-- > 0;) {
          f32x16 quotient = d == 0 ? splat(0) : round_small(rest * splat(1 / VK_DIGIT_BASE));
          f32x16 digit = rest - quotient * splat(VK_DIGIT_BASE);
          i32x16 numbers = __builtin_convertvector(digit, i32x16);
          store_codes(rows[d].codes + column * rows[d].width, rows[d].width, numbers);
          add_offset(rows[d], &shape, column, numbers);
          rest = quotient;
        }
      }
    }
  }
}

static void VK(round_rows)(
    int8_t *codes, float *scales, const float *x, size_t stride, size_t rows, size_t columns,
    size_t group_size) {
  for (size_t r = 0; r < rows; ++r, x += stride, codes += columns) {
    for (size_t first = 0; first < columns; first += group_size) {
      size_t end = columns - first < group_size ? columns : first + group_size;
      u32x16 bits = 0;
      for (size_t k = first; k < end; k += VK_LANES) {
        size_t lanes = end - k < VK_LANES ? end - k : VK_LANES;
        u32x16 magnitude = bits_of(load_lanes(x + k, lanes)) & 0x7fffffffu;
        bits = choose_bits(magnitude > bits, magnitude, bits);
      }
      float largest = largest_lane_or_special(bits);
      float inverse = largest < VK_SMALLEST_INPUT ? 0 : 127 / largest;
      *scales++ = largest < VK_SMALLEST_INPUT ? 0 : largest * (1.0f / 127);
      for (size_t k = first; k < end; k += VK_LANES) {
        size_t lanes = end - k < VK_LANES ? end - k : VK_LANES;
        f32x16 scaled = clamp(load_lanes(x + k, lanes) * splat(inverse), -127, 127);
        i8x16 bytes = __builtin_convertvector(
            __builtin_convertvector(round_small(scaled), i32x16), i8x16);
        memcpy(codes + k, &bytes, lanes);
      }
    }
  }
}

static void VK(widen_rows)(
    float *out, const int8_t *codes, const float *scales, size_t rows, size_t columns,
    size_t group_size) {
  for (size_t r = 0; r < rows; ++r, codes += columns, out += columns) {
    for (size_t first = 0; first < columns; first += group_size) {
      size_t end = columns - first < group_size ? columns : first + group_size;
      f32x16 scale = splat(*scales++);
      for (size_t k = first; k < end; k += VK_LANES) {
        size_t lanes = end - k < VK_LANES ? end - k : VK_LANES;
        store_lanes(out + k, widen_codes(load_some_i8(codes + k, lanes)) * scale, lanes);
      }
    }
  }
}
