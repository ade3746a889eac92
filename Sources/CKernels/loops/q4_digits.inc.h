// Products with q4 matrices by byte dot products, where the instruction set has them.
//
// The 256 inputs of a super-block become whole numbers of 24 bits times a common scale, that is
// three signed digits of 8 bits each: x = scale * (65536 d2 + 256 d1 + d0). A nibble, 0...15, times
// a digit, four of them added, takes 11 bits and a sign, and all three digits together fit in 32
// bits, so that everything up to a group's step is exact. The 8 that is taken off each nibble is
// taken off the sum of the inputs instead.

typedef uint8_t u8x32 __attribute__((ext_vector_type(32)));
typedef uint8_t u8x64 __attribute__((ext_vector_type(64)));
typedef int8_t i8x64 __attribute__((ext_vector_type(64)));

enum {
  VK_QUAD = 64,  // columns that one vector of codes covers: four groups
  VK_QUADS = VK_SUPER_BLOCK / VK_QUAD,
  VK_DIGIT_BLOCKS = 16  // super-blocks of x that are made ready at once, on the stack
};

/// 64 inputs in the order of the nibbles: first the even columns, then the odd ones.
typedef struct q4_quad {
  i8x64 digits[3];  // the highest first
  i32x16 offset;    // -8 times the sum of the four inputs of each lane
} q4_quad;

typedef struct q4_input {
  float scales[VK_DIGIT_BLOCKS];
  q4_quad quads[VK_DIGIT_BLOCKS][VK_QUADS];
} q4_input;

VK_INLINE i32x16 q4_dot(u8x64 codes, const q4_quad *quad, i32x16 offset) {
  i32x16 sum = VK_DOT((i32x16)0, codes, quad->digits[0]);
  sum = VK_DOT(sum << 8, codes, quad->digits[1]);
  return VK_DOT(sum << 8, codes, quad->digits[2]) + offset;
}

VK_INLINE i8x64 join_codes(const i32x16 parts[4]) {
  i8x16 a = __builtin_convertvector(parts[0], i8x16), b = __builtin_convertvector(parts[1], i8x16);
  i8x16 c = __builtin_convertvector(parts[2], i8x16), d = __builtin_convertvector(parts[3], i8x16);
  i8x64 joined;
  joined.lo.lo = a;
  joined.lo.hi = b;
  joined.hi.lo = c;
  joined.hi.hi = d;
  return joined;
}

/// Splits whole numbers into digits; each takes the low byte as signed and leaves the rest.
VK_INLINE void q4_prepare_quad(q4_quad *quad, const i32x16 numbers[4]) {
  i32x16 rest[4] = {
      VK_EVERY_SECOND(numbers[0], numbers[1], 0), VK_EVERY_SECOND(numbers[2], numbers[3], 0),
      VK_EVERY_SECOND(numbers[0], numbers[1], 1), VK_EVERY_SECOND(numbers[2], numbers[3], 1)};
  for (int digit = 2; digit >= 0; --digit) {
    i32x16 low[4];
    for (int i = 0; i < 4; ++i) {
      low[i] = (rest[i] << 24) >> 24;
      rest[i] = (rest[i] - low[i]) >> 8;
    }
    quad->digits[digit] = join_codes(low);
  }
  quad->offset = -q4_dot((u8x64)8, quad, (i32x16)0);
}

/// The largest magnitude; infinite or not-a-number if an element is.
VK_INLINE float largest_or_special(const float *x) {
  u32x16 largest = 0;
  for (int k = 0; k < VK_SUPER_BLOCK; k += VK_LANES) {
    u32x16 magnitude = bits_of(load_f32(x + k)) & 0x7fffffffu;
    largest = choose_bits(magnitude > largest, magnitude, largest);
  }
  uint32_t bits = __builtin_reduce_max(largest);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// Makes one super-block of inputs ready. What is below 2^-100 counts as zero.
VK_INLINE void q4_prepare_block(q4_input *input, size_t block, const float *x) {
  const float limit = 0x7f0000;  // the largest number with three digits of at most 127
  float largest = largest_or_special(x);
  float inverse = largest < 0x1p-100f ? 0 : limit / largest;
  input->scales[block] = largest < 0x1p-100f ? 0 : largest / limit;
  for (int q = 0; q < VK_QUADS; ++q) {
    i32x16 numbers[4];
    for (int i = 0; i < 4; ++i) {
      f32x16 v = clamp(load_f32(x + q * VK_QUAD + i * VK_LANES) * splat(inverse), -limit, limit);
      numbers[i] = __builtin_convertvector(round_small(v), i32x16);
    }
    q4_prepare_quad(&input->quads[block][q], numbers);
  }
}

VK_INLINE void q4_prepare(q4_input *input, const float *x, size_t columns) {
  for (size_t k = 0; k < columns; k += VK_SUPER_BLOCK) {
    float padded[VK_SUPER_BLOCK] = {0};
    const float *from = x + k;
    if (columns - k < VK_SUPER_BLOCK) {
      memcpy(padded, from, (columns - k) * sizeof *x);
      from = padded;
    }
    q4_prepare_block(input, k / VK_SUPER_BLOCK, from);
  }
}

/// The nibbles of 32 bytes: first the low ones, then the high ones.
VK_INLINE u8x64 q4_nibbles(const uint8_t *codes) {
  u8x32 bytes;
  memcpy(&bytes, codes, sizeof bytes);
  u8x64 nibbles;
  nibbles.lo = bytes & 15;
  nibbles.hi = bytes >> 4;
  return nibbles;
}

/// A lane holds four columns of a group: the steps of groups `first` ... `first + 3`, as lanes need
/// them.
#define Q4_LANE_STEPS(steps, first) \
  __builtin_shufflevector( \
      steps, steps, first, first, (first) + 1, (first) + 1, (first) + 2, (first) + 2, (first) + 3, \
      (first) + 3, first, first, (first) + 1, (first) + 1, (first) + 2, (first) + 2, (first) + 3, \
      (first) + 3)

/// Adds the products of one quad of a super-block to the sums of each row.
#define Q4_ADD_QUAD(q) \
  VK_UNROLL for (int r = 0; r < rows; ++r) { \
    i32x16 product = q4_dot(q4_nibbles(codes[r] + (q) * VK_QUAD / 2), &quads[q], quads[q].offset); \
    sums[r] = VK_FMA( \
        __builtin_convertvector(product, f32x16), Q4_LANE_STEPS(steps[r], 4 * (q)), sums[r]); \
  }

/// Keeps the compiler from loading the digits of all quads at once, for which there are too few
/// registers.
#define VK_BARRIER __asm__ volatile("" : : : "memory")

VK_INLINE void q4_add_block(
    f32x16 *sums, const uint8_t *const *codes, f32x16 *steps, const q4_quad *quads, const int rows)
    {
  Q4_ADD_QUAD(0);
  VK_BARRIER;
  Q4_ADD_QUAD(1);
  VK_BARRIER;
  Q4_ADD_QUAD(2);
  VK_BARRIER;
  Q4_ADD_QUAD(3);
}

/// `columns` of the rows, from super-block `first` on, against inputs that are ready.
VK_INLINE void VK(q4_matvec_rows)(
    float *out, const q4_row *row, const q4_input *input, size_t first, size_t columns,
    const int rows) {
  f32x16 sums[VK_ROWS_AT_ONCE] = {0}, steps[VK_ROWS_AT_ONCE];
  const uint8_t *codes[VK_ROWS_AT_ONCE];
  size_t full = columns / VK_SUPER_BLOCK, rest = columns % VK_SUPER_BLOCK;
  for (size_t block = 0; block < full; ++block) {
    VK_UNROLL for (int r = 0; r < rows; ++r) {
      codes[r] = row[r].codes + (first + block) * VK_SUPER_BLOCK / 2;
      steps[r] = q4_steps(row[r], first + block, VK_GROUPS) * splat(input->scales[block]);
    }
    q4_add_block(sums, codes, steps, input->quads[block], rows);
  }
  if (rest) {
    uint8_t padded[VK_ROWS_AT_ONCE][VK_SUPER_BLOCK / 2] = {0};
    size_t groups = (rest + VK_GROUP - 1) / VK_GROUP;
    VK_UNROLL for (int r = 0; r < rows; ++r) {
      memcpy(padded[r], row[r].codes + (first + full) * VK_SUPER_BLOCK / 2, (rest + 1) / 2);
      codes[r] = padded[r];
      steps[r] = q4_steps(row[r], first + full, groups) * splat(input->scales[full]);
    }
    q4_add_block(sums, codes, steps, input->quads[full], rows);
  }
  VK_UNROLL for (int r = 0; r < rows; ++r) {
    out[r] = first == 0 ? sum_lanes(sums[r]) : out[r] + sum_lanes(sums[r]);
  }
}

static void VK(q4_matvec)(
    float *out, const uint8_t *codes, const int8_t *sub_scales, const uint16_t *super_scales,
    const float *x, size_t rows, size_t columns) {
  if (columns == 0) memset(out, 0, rows * sizeof *out);
  const size_t held = (size_t)VK_DIGIT_BLOCKS * VK_SUPER_BLOCK;
  for (size_t k = 0; k < columns; k += held) {
    size_t length = columns - k < held ? columns - k : held, first = k / VK_SUPER_BLOCK, r = 0;
    q4_input input;
    q4_prepare(&input, x + k, length);
    q4_row row[VK_ROWS_AT_ONCE];
    for (; r + VK_ROWS_AT_ONCE <= rows; r += VK_ROWS_AT_ONCE) {
      VK_UNROLL for (int i = 0; i < VK_ROWS_AT_ONCE; ++i) {
        row[i] = q4_row_at(codes, sub_scales, super_scales, r + (size_t)i, columns);
      }
      VK(q4_matvec_rows)(out + r, row, &input, first, length, VK_ROWS_AT_ONCE);
    }
    for (; r < rows; ++r) {
      row[0] = q4_row_at(codes, sub_scales, super_scales, r, columns);
      VK(q4_matvec_rows)(out + r, row, &input, first, length, 1);
    }
  }
}
