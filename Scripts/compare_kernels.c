// Compares every kernel of the named instruction sets with the portable one, and products also with
// sums in double precision. The last name must be the one that is chosen by itself.
//
//     compare_kernels neon neon-dotprod
#include "CKernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const vk_table *plain, *table;
static size_t comparisons, failures;
static const double unit_roundoff = 0x1p-24;

// Memory for one check at a time, each part followed by bytes that no kernel may touch.

enum { ARENA_BYTES = 1 << 25, PARTS = 256, GUARD_BYTES = 64, GUARD = 0x5a };
static uint8_t arena[ARENA_BYTES];
static size_t arena_used, part_ends[PARTS], parts;

static void *allot(size_t bytes) {
  if (arena_used + bytes + 2 * GUARD_BYTES > ARENA_BYTES || parts == PARTS) abort();
  void *part = arena + arena_used;
  part_ends[parts++] = arena_used + bytes;
  memset(arena + arena_used, GUARD, bytes + GUARD_BYTES);
  arena_used = (arena_used + bytes + GUARD_BYTES + 7) / 8 * 8 + 4;  // aligned to no vector
  return part;
}

static void fail(const char *what, size_t index, double found, double expected) {
  if (++failures <= 20) {
    printf(
        "%s: %s: element %zu is %.9g, expected %.9g\n", table->instruction_set, what, index, found,
        expected);
  }
}

static void finish(const char *what) {
  for (size_t p = 0; p < parts; ++p) {
    for (size_t i = 0; i < GUARD_BYTES; ++i) {
      if (arena[part_ends[p] + i] != GUARD) fail(what, p, arena[part_ends[p] + i], GUARD);
    }
  }
  arena_used = parts = 0;
}

static void expect_same(const char *what, const void *found, const void *expected, size_t bytes) {
  ++comparisons;
  const uint8_t *a = found, *b = expected;
  for (size_t i = 0; i < bytes; ++i) {
    if (a[i] != b[i]) {
      fail(what, i, a[i], b[i]);
      return;
    }
  }
}

static void expect_close(
    const char *what, const float *found, const float *expected, size_t count, double relative,
    double absolute) {
  ++comparisons;
  for (size_t i = 0; i < count; ++i) {
    double bound = absolute + relative * fabs((double)expected[i]);
    int same = found[i] == expected[i] || (isnan(found[i]) && isnan(expected[i]));
    if (!same && !(fabs((double)found[i] - (double)expected[i]) <= bound)) {
      fail(what, i, found[i], expected[i]);
      return;
    }
  }
}

// Numbers that are the same in every run (SplitMix64).

static uint64_t random_state = 1;

static uint64_t random_bits(void) {
  uint64_t bits = random_state += 0x9e3779b97f4a7c15;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
  return bits ^ bits >> 31;
}

static float between(float low, float high) {
  return low + (high - low) * (float)(random_bits() >> 40) * 0x1p-24f;
}

static float *floats(size_t count) { return allot(count * sizeof(float)); }

static float *uniform(size_t count, float low, float high) {
  float *values = floats(count);
  for (size_t i = 0; i < count; ++i) values[i] = between(low, high);
  return values;
}

/// Inputs in -2...2, or of the largest magnitude alone, which makes the largest codes.
static float *inputs_of(size_t count, int extreme) {
  float *values = uniform(count, -2, 2);
  for (size_t i = 0; extreme && i < count; ++i) values[i] = values[i] < 0 ? -2 : 2;
  return values;
}

static uint8_t *random_bytes(size_t count) {
  uint8_t *bytes = allot(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = (uint8_t)random_bits();
  return bytes;
}

/// Halves between 2^-9 and 2^-7, of both signs.
static uint16_t *scales_of(size_t count) {
  uint16_t *halves = allot(count * sizeof *halves);
  for (size_t i = 0; i < count; ++i) {
    halves[i] = (uint16_t)(0x1800 + random_bits() % 0x800 + (random_bits() & 0x8000));
  }
  return halves;
}

static size_t quotient_up(size_t count, size_t size) { return (count + size - 1) / size; }
static size_t padded(size_t count) { return quotient_up(count, 16) * 16; }

/// Calls the kernel of both tables, with `expected` and `found` as the places for their results.
#define BOTH(kernel, ...) (plain->kernel(expected, __VA_ARGS__), table->kernel(found, __VA_ARGS__))

static const size_t all_columns[] = {1,   3,   15,  16,  17,  31,  48,  64,
                                     129, 255, 256, 257, 271, 273, 530, 1023};
static const size_t all_rows[] = {1, 3, 16, 17, 33};
#define EACH(place, list) \
  for (size_t place##_at = 0, place; \
       place##_at < sizeof(list) / sizeof *(list) && (place = (list)[place##_at], 1); ++place##_at)

// Conversions.

static void check_conversions(void) {
  enum { HALVES = 1 << 16 };
  uint16_t *in = allot(HALVES * sizeof *in);
  for (size_t i = 0; i < HALVES; ++i) in[i] = (uint16_t)i;
  float *expected = floats(HALVES), *found = floats(HALVES);
  BOTH(widen_f16, in, HALVES - 3);
  expect_close("widen_f16", found, expected, HALVES - 3, 0, 0);
  BOTH(widen_bf16, in, HALVES - 3);
  expect_close("widen_bf16", found, expected, HALVES - 3, 0, 0);
  finish("widening");
  for (size_t round = 0; round < 16; ++round) {
    size_t count = HALVES - round;
    const float *x = (const float *)random_bytes(count * sizeof *x);
    uint16_t *expected = allot(count * 2), *found = allot(count * 2);
    BOTH(narrow_f16, x, count);
    expect_same("narrow_f16", found, expected, count * 2);
    BOTH(narrow_bf16, x, count);
    expect_same("narrow_bf16", found, expected, count * 2);
    finish("narrowing");
  }
}

static void check_finiteness(void) {
  static const float special[] = {INFINITY, -INFINITY, NAN};
  for (size_t count = 0; count < 70; ++count) {
    float *x = uniform(count, -1, 1);
    if (table->all_within(x, count, __FLT_MAX__) != 1) fail("all_within", count, 0, 1);
    for (size_t i = 0; i < count; ++i) {
      x[i] = special[i % 3];
      if (table->all_within(x, count, __FLT_MAX__) != 0) fail("all_within", i, 1, 0);
      x[i] = 0;
    }
    ++comparisons;
    finish("all_within");
  }
}

// Products.

/// Expects out[t * stride + r] to be the product of weights and inputs, within so many roundings of
/// the sum of magnitudes.
static void expect_products(
    const char *what, const float *out, size_t stride, const float *w, const double *x,
    size_t tokens, size_t rows, size_t columns, size_t roundings) {
  ++comparisons;
  for (size_t t = 0; t < tokens; ++t) {
    for (size_t r = 0; r < rows; ++r) {
      double sum = 0, magnitude = 0;
      for (size_t k = 0; k < columns; ++k) {
        double product = (double)w[r * columns + k] * x[t * columns + k];
        sum += product;
        magnitude += fabs(product);
      }
      double difference = fabs((double)out[t * stride + r] - sum);
      if (!(difference <= (double)roundings * unit_roundoff * magnitude)) {
        fail(what, t * rows + r, out[t * stride + r], sum);
        return;
      }
    }
  }
}

static void check_matvec(size_t rows, size_t columns) {
  float *x = uniform(columns, -1, 1), *w = uniform(rows * columns, -1, 1);
  double *exact = allot(columns * sizeof *exact);
  for (size_t k = 0; k < columns; ++k) exact[k] = x[k];
  float *out = floats(rows), *widened = floats(rows * columns);
  uint16_t *narrow = allot(rows * columns * sizeof *narrow);
  size_t roundings = quotient_up(columns, 16) + 10;
  table->f32_matvec(out, w, x, rows, columns);
  expect_products("f32_matvec", out, rows, w, exact, 1, rows, columns, roundings);
  plain->narrow_f16(narrow, w, rows * columns);
  plain->widen_f16(widened, narrow, rows * columns);
  table->f16_matvec(out, narrow, x, rows, columns);
  expect_products("f16_matvec", out, rows, widened, exact, 1, rows, columns, roundings);
  plain->narrow_bf16(narrow, w, rows * columns);
  plain->widen_bf16(widened, narrow, rows * columns);
  table->bf16_matvec(out, narrow, x, rows, columns);
  expect_products("bf16_matvec", out, rows, widened, exact, 1, rows, columns, roundings);
  finish("products with floats");
}

/// Inputs as bytes, and the numbers that each row of them stands for.
typedef struct rounded {
  vk_inputs inputs;
  size_t tokens;
  double *values;
} rounded;

/// Where a part of a row lies among the parts of all rows, in bundles.
static size_t bundled(size_t row, size_t rows, size_t part, size_t parts) {
  size_t place = row % VK_INPUT_BUNDLE, first = row - place, left = rows - first;
  return first * parts + part * (left < VK_INPUT_BUNDLE ? left : VK_INPUT_BUNDLE) + place;
}

static int code_of(const vk_inputs *inputs, size_t row, size_t rows, size_t k, size_t columns) {
  return inputs->codes[bundled(row, rows, k / 4, padded(columns) / 4) * 4 + k % 4];
}

/// The same bytes as the portable kernel makes.
static void expect_same_inputs(
    const vk_inputs *found, const float *x, size_t tokens, size_t columns, size_t scale_columns,
    size_t offset_columns, int offset) {
  size_t width = padded(columns), code_bytes = tokens * width;
  size_t offset_bytes = tokens * quotient_up(width, offset_columns) * sizeof(int32_t);
  size_t scale_bytes = tokens * quotient_up(width, scale_columns) * sizeof(float);
  int8_t *codes = allot(code_bytes);
  int32_t *offsets = allot(offset_bytes);
  float *scales = allot(scale_bytes);
  plain->round_inputs(
      codes, offsets, scales, x, columns, NULL, tokens, columns, scale_columns, offset_columns,
      offset);
  expect_same("codes of round_inputs", found->codes, codes, code_bytes);
  expect_same("offsets of round_inputs", found->offsets, offsets, offset_bytes);
  expect_same("scales of round_inputs", found->scales, scales, scale_bytes);
}

/// Rows that add up to the inputs, to 24 bits of the largest one. Ties may go either way, and so
/// may the rounding of the scale.
static void expect_split(const rounded *split, const float *x, size_t tokens, size_t columns) {
  ++comparisons;
  for (size_t i = 0; i < tokens * columns; ++i) {
    const double *digits = split->values + i / columns * VK_INPUT_DIGITS * columns + i % columns;
    double sum = digits[0] + digits[columns] + digits[2 * columns];
    if (!(fabs(sum - (double)x[i]) <= 2 * 4 * unit_roundoff)) {
      fail("split_inputs", i, sum, x[i]);
      return;
    }
  }
}

static void expect_codes(const vk_inputs *inputs, size_t rows, size_t columns) {
  ++comparisons;
  for (size_t row = 0; row < rows; ++row) {
    for (size_t k = 0; k < padded(columns); ++k) {
      int code = code_of(inputs, row, rows, k, columns), limit = k < columns ? 127 : 0;
      if (abs(code) > limit) fail("codes", row * columns + k, code, limit);
    }
  }
}

static void expect_offsets(
    const vk_inputs *inputs, size_t rows, size_t columns, size_t offset_columns, int offset) {
  ++comparisons;
  size_t width = padded(columns), sums = quotient_up(width, offset_columns);
  for (size_t i = 0; i < rows * sums; ++i) {
    size_t row = i / sums, sum = i % sums;
    int32_t expected = 0, found = inputs->offsets[bundled(row, rows, sum, sums)];
    for (size_t k = sum * offset_columns; k < (sum + 1) * offset_columns && k < width; ++k) {
      expected -= offset * code_of(inputs, row, rows, k, columns);
    }
    if (found != expected) fail("offsets", i, found, expected);
  }
}

static rounded round_inputs(
    size_t tokens, size_t columns, size_t scale_columns, size_t offset_columns, int offset,
    int digits, int extreme) {
  const float *x = inputs_of(tokens * columns, extreme);
  size_t rows = digits ? tokens * VK_INPUT_DIGITS : tokens, width = padded(columns);
  size_t groups = quotient_up(width, scale_columns), sums = quotient_up(width, offset_columns);
  int8_t *codes = allot(rows * width);
  int32_t *offsets = allot(rows * sums * sizeof *offsets);
  float *scales = floats(rows * groups);
  (digits ? table->split_inputs : table->round_inputs)(
      codes, offsets, scales, x, columns, NULL, tokens, columns, scale_columns, offset_columns,
      offset);
  double *values = allot(rows * columns * sizeof *values);
  rounded made = {{codes, offsets, scales}, rows, values};
  for (size_t i = 0; i < rows * columns; ++i) {
    size_t row = i / columns, k = i % columns;
    float scale = scales[bundled(row, rows, k / scale_columns, groups)];
    values[i] = (double)code_of(&made.inputs, row, rows, k, columns) * (double)scale;
  }
  if (digits) {
    expect_split(&made, x, tokens, columns);
  } else {
    expect_same_inputs(
        &made.inputs, x, tokens, columns, scale_columns, offset_columns, offset);
  }
  expect_codes(&made.inputs, rows, columns);
  expect_offsets(&made.inputs, rows, columns, offset_columns, offset);
  return made;
}

static void check_codes(
    size_t bits, size_t rows, size_t columns, size_t group, size_t tokens, int extreme) {
  size_t groups = quotient_up(columns, group), tiled = padded(rows) * padded(columns) * bits / 8;
  int largest = (1 << (bits - 1)) - 1;
  size_t together = group < VK_SCALE_COLUMNS ? group : VK_SCALE_COLUMNS;
  int8_t *codes = (int8_t *)random_bytes(rows * columns);
  for (size_t i = 0; i < rows * columns; ++i) {
    codes[i] = (int8_t)(extreme ? (codes[i] < 0 ? ~largest : largest) : codes[i] >> (8 - bits));
  }
  uint16_t *scales = scales_of(rows * groups), *tiled_scales = allot(padded(rows) * groups * 2);
  {
    uint8_t *expected = allot(tiled), *found = allot(tiled);
    if (bits == 8) {
      BOTH(q8_tile, codes, rows, columns);
    } else {
      BOTH(q6_tile, codes, rows, columns);
    }
    expect_same("tiles of codes", found, expected, tiled);
    uint16_t *other = allot(padded(rows) * groups * 2);
    plain->tile_halves(other, scales, rows, groups);
    table->tile_halves(tiled_scales, scales, rows, groups);
    expect_same("tile_halves", tiled_scales, other, padded(rows) * groups * 2);
    codes = (int8_t *)found;
  }
  const uint8_t *tiles = (const uint8_t *)codes;
  size_t first = rows > 16 ? 16 : 0, count = rows - first, stride = count + 3;
  float *expected = floats(count * columns), *found = floats(count * columns);
  if (bits == 8) {
    BOTH(q8_expand, tiles, tiled_scales, first, count, columns, group);
  } else {
    BOTH(q6_expand, tiles, tiled_scales, first, count, columns, group);
  }
  expect_same("expanded codes", found, expected, count * columns * 4);
  for (int digits = 0; digits < 2; ++digits) {
    rounded x = round_inputs(tokens, columns, together, together, 1 << (bits - 1), digits, extreme);
    float *out = floats(x.tokens * stride);
    (bits == 8 ? table->q8_multiply : table->q6_multiply)(
        out, stride, tiles, tiled_scales, &x.inputs, x.tokens, first, count, columns, group);
    expect_products(
        "products of codes", out, stride, expected, x.values, x.tokens, count, columns,
        quotient_up(columns, together) + 10);
  }
  finish(bits == 8 ? "q8" : "q6");
}

static void check_q4(size_t rows, size_t columns, size_t tokens, int extreme) {
  size_t groups = quotient_up(columns, 16), blocks = quotient_up(columns, 256);
  size_t stride = quotient_up(columns, 2), tiled = padded(rows) * padded(columns) / 2;
  uint8_t *codes = random_bytes(rows * stride);
  for (size_t i = 0; extreme && i < rows * stride; ++i) codes[i] = codes[i] & 1 ? 0xff : 0;
  int8_t *subs = (int8_t *)random_bytes(rows * groups);
  for (size_t i = 0; i < rows * groups; ++i) subs[i] = extreme ? -128 : (int8_t)(subs[i] % 32);
  uint16_t *supers = scales_of(rows * blocks);
  uint8_t *tiles = allot(tiled), *other_tiles = allot(tiled);
  int8_t *tiled_subs = allot(padded(rows) * groups), *other_subs = allot(padded(rows) * groups);
  uint16_t *tiled_supers = allot(padded(rows) * blocks * 2);
  plain->q4_tile(other_tiles, codes, rows, columns);
  table->q4_tile(tiles, codes, rows, columns);
  expect_same("q4_tile", tiles, other_tiles, tiled);
  plain->tile_bytes(other_subs, subs, rows, groups);
  table->tile_bytes(tiled_subs, subs, rows, groups);
  expect_same("tile_bytes", tiled_subs, other_subs, padded(rows) * groups);
  table->tile_halves(tiled_supers, supers, rows, blocks);
  size_t first = rows > 16 ? 16 : 0, count = rows - first;
  float *expected = floats(count * columns), *found = floats(count * columns);
  BOTH(q4_expand, tiles, tiled_subs, tiled_supers, first, count, columns);
  expect_same("q4_expand", found, expected, count * columns * 4);
  for (int digits = 0; digits < 2; ++digits) {
    rounded x = round_inputs(tokens, columns, VK_SCALE_COLUMNS, 16, 8, digits, extreme);
    float *out = floats(x.tokens * count);
    table->q4_multiply(
        out, count, tiles, tiled_subs, tiled_supers, &x.inputs, x.tokens, first, count, columns);
    expect_products(
        "q4_multiply", out, count, expected, x.values, x.tokens, count, columns,
        quotient_up(columns, VK_SCALE_COLUMNS) + 10);
  }
  finish("q4");
}

static void check_products(void) {
  static const size_t group_sizes[] = {16, 32, 64, 96, 128};
  EACH(rows, all_rows) EACH(columns, all_columns) {
    check_matvec(rows, columns);
    size_t tokens = 1 + (rows + columns) % 9;
    for (size_t bits = 6; bits <= 8; bits += 2) {
      EACH(group, group_sizes) check_codes(bits, rows, columns, group, tokens, group == 64);
    }
    for (int extreme = 0; extreme < 2; ++extreme) check_q4(rows, columns, tokens, extreme);
  }
}

static void check_quantizers(void) {
  EACH(columns, all_columns) {
    size_t rows = 2, groups = quotient_up(columns, 48), subs = quotient_up(columns, 16);
    float *w = uniform(rows * columns, -1, 1), *importance = uniform(columns, 0, 2);
    int8_t *codes[2], *sub_scales[2];
    uint8_t *nibbles[2];
    uint16_t *scales[2], *super_scales[2];
    for (int i = 0; i < 2; ++i) {
      const vk_table *from = i ? table : plain;
      codes[i] = allot(rows * columns);
      scales[i] = allot(rows * groups * 2);
      from->q8_quantize(codes[i], scales[i], w, rows, columns, 48, 127);
      nibbles[i] = allot(rows * quotient_up(columns, 2));
      sub_scales[i] = allot(rows * subs);
      super_scales[i] = allot(rows * quotient_up(columns, 256) * 2);
      from->q4_quantize(
          nibbles[i], sub_scales[i], super_scales[i], w, columns % 3 ? importance : NULL, rows,
          columns);
    }
    expect_same("q8_quantize", codes[1], codes[0], rows * columns);
    expect_same("q8_quantize", scales[1], scales[0], rows * groups * 2);
    expect_same("q4_quantize", nibbles[1], nibbles[0], rows * quotient_up(columns, 2));
    expect_same("q4_quantize", sub_scales[1], sub_scales[0], rows * subs);
    expect_same(
        "q4_quantize", super_scales[1], super_scales[0], rows * quotient_up(columns, 256) * 2);
    finish("quantizers");
  }
}

// Activations. Their results differ by a few roundings, some of them of larger intermediate ones.

static void check_elementary(void) {
  EACH(count, all_columns) {
    float *x = uniform(count, -30, 30), *other = uniform(count, -30, 30);
    float *expected = floats(count), *found = floats(count);
    BOTH(exp, x, count);
    expect_close("exp", found, expected, count, 4e-7, 0);
    BOTH(softplus, x, count);
    expect_close("softplus", found, expected, count, 1e-6, 0);
    BOTH(add, x, other, count);
    expect_same("add", found, expected, count * 4);
    BOTH(gate_silu, x, other, count);
    expect_close("gate_silu", found, expected, count, 2e-6, 0);
    for (int activation = VK_GELU; activation <= VK_SILU; ++activation) {
      BOTH(activate, x, activation, count);
      expect_close("activate", found, expected, count, 1e-5, 1e-7);
    }
    finish("elementary functions");
  }
}

static void check_rounded_rows(void) {
  static const size_t groups[] = {1, 5, 16, 32, 64};
  EACH(columns, all_columns) EACH(group, groups) {
    size_t rows = 3, stride = columns + 2, count = rows * columns;
    size_t scale_count = rows * quotient_up(columns, group);
    float *x = uniform(rows * stride, -3, 3), *expected = floats(count), *found = floats(count);
    float *expected_scales = floats(scale_count), *found_scales = floats(scale_count);
    int8_t *expected_codes = (int8_t *)random_bytes(count);
    int8_t *found_codes = (int8_t *)random_bytes(count);
    plain->round_rows(expected_codes, expected_scales, x, stride, rows, columns, group);
    table->round_rows(found_codes, found_scales, x, stride, rows, columns, group);
    expect_same("codes of round_rows", found_codes, expected_codes, count);
    expect_same("scales of round_rows", found_scales, expected_scales, scale_count * 4);
    plain->widen_rows(expected, expected_codes, expected_scales, rows, columns, group);
    table->widen_rows(found, found_codes, found_scales, rows, columns, group);
    expect_same("widen_rows", found, expected, count * 4);
    finish("rounded rows");
  }
}

static void check_rows(void) {
  EACH(columns, all_columns) {
    size_t rows = 3, count = rows * columns;
    float *x = uniform(count, -3, 3), *weight = uniform(columns, 0, 2);
    float *bias = uniform(columns, -1, 1), *expected = floats(count), *found = floats(count);
    BOTH(rms_normalize, x, weight, 1e-5f, rows, columns);
    expect_close("rms_normalize", found, expected, count, 1e-5, 0);
    BOTH(layer_normalize, x, weight, bias, 1e-5f, rows, columns);
    expect_close("layer_normalize", found, expected, count, 1e-5, 1e-5);
    BOTH(log_softmax_rows, x, rows, columns);
    expect_close("log_softmax_rows", found, expected, count, 1e-6, 1e-6);
    memcpy(expected, x, count * sizeof *x);
    memcpy(found, x, count * sizeof *x);
    BOTH(softmax_rows, 0.7f, rows, columns);
    expect_close("softmax_rows", found, expected, count, 1e-5, 0);
    finish("rows");
  }
}

static void check_convolutions(void) {
  static const size_t kernels[] = {1, 2, 4, 5, 70};
  EACH(channels, all_columns) EACH(kernel, kernels) {
    size_t tokens = 7, stride = channels + 2;
    float *x = uniform(tokens * (channels + 1), -1, 1), *weight = uniform(channels * kernel, -1, 1);
    float *bias = channels % 2 ? uniform(channels, -1, 1) : NULL;
    float *history = uniform(kernel * stride, -1, 1);
    float *expected = floats(tokens * stride), *found = floats(tokens * stride);
    BOTH(
        causal_convolution_silu, stride, x, channels + 1, weight, bias, history, tokens, channels,
        kernel);
    expect_close("causal_convolution_silu", found, expected, tokens * stride, 1e-5, 1e-5);
    finish("causal_convolution_silu");
  }
  static const size_t squares[] = {1, 3, 5, 9};
  static const size_t grid_channels[] = {1, 15, 16, 33};
  EACH(channels, grid_channels) EACH(kernel, squares) {
    size_t height = 5, width = 7, count = height * width * channels;
    float *x = uniform(count, -1, 1), *weight = uniform(channels * kernel * kernel, -1, 1);
    float *bias = channels % 2 ? uniform(channels, -1, 1) : NULL;
    float *expected = floats(count), *found = floats(count);
    BOTH(grid_convolution_silu, x, weight, bias, height, width, channels, kernel);
    expect_close("grid_convolution_silu", found, expected, count, 1e-5, 1e-5);
    finish("grid_convolution_silu");
  }
}

static void check_scans(void) {
  static const size_t all_channels[] = {1, 15, 16, 33, 130, 150};
  static const size_t all_states[] = {1, 8, 16, 17, 40};
  EACH(channels, all_channels) EACH(states, all_states) {
    size_t tokens = 19, tiles = quotient_up(channels, 16), held = tiles * states * 16;
    float *A = uniform(held, -2, 0), *D = uniform(channels, -1, 1);
    float *bias = uniform(channels, -1, 1), *start = uniform(held, -1, 1);
    float *expected = floats(tokens * channels), *found = floats(tokens * channels);
    float *expected_state = floats(held), *found_state = floats(held);
    float *gate = states == 8 ? NULL : uniform(tokens * channels, -2, 2);
    vk_scan scan = {
        .x = uniform(tokens * channels, -1, 1), .x_stride = channels,
        .time_steps = uniform(tokens * channels, -2, 2), .time_step_stride = channels,
        .B = uniform(tokens * states, -1, 1), .C = uniform(tokens * states, -1, 1),
        .parameter_stride = states, .gate = gate, .gate_stride = channels, .A = A, .D = D,
        .time_step_bias = bias};
    memcpy(expected_state, start, held * 4);
    memcpy(found_state, start, held * 4);
    plain->selective_scan(expected, expected_state, &scan, tokens, channels, states, 0, tiles);
    table->selective_scan(found, found_state, &scan, tokens, channels, states, 0, tiles);
    expect_close("selective_scan", found, expected, tokens * channels, 1e-5, 2e-5);
    expect_close("selective_scan", found_state, expected_state, held, 1e-5, 1e-5);

    size_t groups = quotient_up(channels, VK_SCALE_COLUMNS);
    scan.x_codes = (int8_t *)random_bytes(tokens * channels);
    scan.B_codes = (int8_t *)random_bytes(tokens * states);
    scan.C_codes = (int8_t *)random_bytes(tokens * states);
    scan.x_scales = uniform(tokens * groups, 0, 0.01f);
    scan.B_scales = scan.C_scales = uniform(tokens, 0, 0.01f);
    memcpy(expected_state, start, held * 4);
    memcpy(found_state, start, held * 4);
    plain->selective_scan(expected, expected_state, &scan, tokens, channels, states, 0, tiles);
    table->selective_scan(found, found_state, &scan, tokens, channels, states, 0, tiles);
    expect_close("selective_scan of codes", found, expected, tokens * channels, 1e-5, 2e-5);
    expect_close("selective_scan of codes", found_state, expected_state, held, 1e-5, 1e-5);

    scan.rounds_state = 1;
    scan.lasting = -0.1f;
    plain->selective_scan(expected, expected_state, &scan, tokens, channels, states, 0, tiles);
    table->selective_scan(found, found_state, &scan, tokens, channels, states, 0, tiles);
    // A number in the middle between two codes may become either.
    expect_close("selective_scan, rounded", found, expected, tokens * channels, 0.02, 0.02);
    finish("scans");
  }
}

static void check_time_steps(void) {
  EACH(heads, all_columns) {
    size_t tokens = 11, stride = heads + 2, count = tokens * heads;
    float *raw = uniform(tokens * stride, -12, 30), *bias = uniform(heads, -1, 1);
    float *A = uniform(heads, -16, 0), *expected = floats(count), *found = floats(count);
    float *expected_sums = floats(count), *found_sums = floats(count);
    plain->state_space_time_steps(
        expected, expected_sums, raw, stride, bias, A, 0.01f, 25, tokens, heads, 4);
    table->state_space_time_steps(
        found, found_sums, raw, stride, bias, A, 0.01f, 25, tokens, heads, 4);
    expect_close("steps of state_space_time_steps", found, expected, count, 1e-6, 0);
    expect_close("sums of state_space_time_steps", found_sums, expected_sums, count, 1.2e-6, 0);
    finish("state_space_time_steps");
  }
}

static void check_steps(
    const vk_state_space *scan, const float *start, size_t tokens, double bound) {
  size_t stride = scan->head_width + 2, held = scan->head_width * scan->states;
  float *expected = floats(tokens * stride), *found = floats(tokens * stride);
  float *expected_state = floats(held), *found_state = floats(held);
  memcpy(expected_state, start, held * 4);
  memcpy(found_state, start, held * 4);
  plain->state_space_steps(expected, stride, expected_state, scan, tokens);
  table->state_space_steps(found, stride, found_state, scan, tokens);
  expect_close("state_space_steps", found, expected, tokens * stride, bound, bound);
  expect_close("state_space_steps", found_state, expected_state, held, bound, bound);
}

static void check_chunk(
    const vk_state_space *scan, const float *start, size_t tokens, double bound) {
  size_t stride = scan->head_width + 2, held = scan->head_width * scan->states;
  float *expected = floats(tokens * stride), *found = floats(tokens * stride);
  float *expected_state = floats(held), *found_state = floats(held);
  size_t room = VK_CHUNK * (2 * quotient_up(scan->states, VK_CHUNK) * VK_CHUNK + VK_CHUNK);
  float *expected_prepared = floats(room), *found_prepared = floats(room);
  plain->state_space_prepare(
      expected_prepared, scan->B, scan->C, scan->parameter_stride, tokens, scan->states);
  table->state_space_prepare(
      found_prepared, scan->B, scan->C, scan->parameter_stride, tokens, scan->states);
  expect_close("state_space_prepare", found_prepared, expected_prepared, room, bound, bound);
  vk_state_space rest = *scan;
  rest.B = rest.C = NULL;
  memcpy(expected_state, start, held * 4);
  memcpy(found_state, start, held * 4);
  plain->state_space_chunk(expected, stride, expected_state, expected_prepared, &rest, tokens);
  table->state_space_chunk(found, stride, found_state, found_prepared, &rest, tokens);
  expect_close("state_space_chunk", found, expected, tokens * stride, bound, bound);
  expect_close("state_space_chunk", found_state, expected_state, held, bound, bound);
}

/// Heads whose states decay slowly and at once. All rows have gaps.
static void check_heads(size_t tokens, size_t width, size_t states) {
  enum { HEADS = 2 };
  static const float A[HEADS] = {-0.7f, -1e30f}, bias[HEADS] = {0};
  float *raw = uniform(tokens * HEADS, -4, 1), *start = uniform(width * states, -1, 1);
  float *steps = floats(tokens * HEADS), *sums = floats(tokens * HEADS);
  vk_state_space scan = {
      .x = uniform(tokens * (width + 1), -1, 1), .x_stride = width + 1,
      .B = uniform(tokens * (states + 3), -1, 1), .C = uniform(tokens * (states + 3), -1, 1),
      .parameter_stride = states + 3, .step_stride = HEADS,
      .gate = states % 2 ? uniform(tokens * (width + 4), -2, 2) : NULL, .gate_stride = width + 4,
      .D = uniform(width, -1, 1), .head_width = width, .states = states};
  // Each term of a sum is rounded with every later one.
  double bound = 1e-6 * (double)(states + tokens);
  for (size_t head = 0; head < HEADS; ++head) {
    scan.time_steps = steps + head;
    scan.sums = sums + head;
    plain->state_space_time_steps(steps, sums, raw, HEADS, bias, A, 0.01f, 2, tokens, HEADS, 1);
    check_steps(&scan, start, tokens, bound);
    plain->state_space_time_steps(
        steps, sums, raw, HEADS, bias, A, 0.01f, 2, tokens, HEADS, VK_CHUNK);
    check_chunk(&scan, start, tokens, bound);
  }
  finish("scans of heads");
}

static void check_state_spaces(void) {
  static const size_t all_tokens[] = {1, 2, 15, 16, 17, 31, VK_CHUNK};
  static const size_t all_widths[] = {1, 8, 15, 16, 33, 64};
  static const size_t all_states[] = {1, 7, 16, 17, 31, 32, 40, 129};
  check_time_steps();
  EACH(tokens, all_tokens) EACH(width, all_widths) EACH(states, all_states) {
    check_heads(tokens, width, states);
  }
}

static void check_runs(const size_t *lengths, size_t runs) {
  size_t count = 0;
  for (size_t run = 0; run < runs; ++run) count += lengths[run];
  uint8_t *bytes = random_bytes(count), *stream = allot(vk_rans_bound(count, runs));
  uint8_t *expected = random_bytes(count), *found = random_bytes(count), *next = bytes;
  // Runs of different entropy.
  for (size_t run = 0; run < runs; next += lengths[run++]) {
    for (size_t i = 0; i < lengths[run]; ++i) next[i] &= next[i] >> (4 + run);
  }
  size_t length = vk_rans_encode(stream, bytes, lengths, runs);
  for (size_t cut = 0; cut < 4; ++cut) {
    int plain_result = plain->rans_decode(expected, lengths, runs, stream, length - cut);
    int result = table->rans_decode(found, lengths, runs, stream, length - cut);
    if (result != plain_result || result != (cut == 0)) fail("rans_decode", cut, result, cut == 0);
    if (cut == 0) expect_same("rans_decode", found, bytes, count);
  }
  finish("compression");
}

static void check_compression(void) {
  static const size_t counts[] = {1, 31, 32, 33, 1000, 70000};
  EACH(count, counts) check_runs(&count, 1);
  static const size_t runs[] = {1000, 1, 33, 7, 4099};
  for (size_t number = 2; number <= 5; ++number) check_runs(runs, number);
}

static void check_limits(void) {
  int64_t found = vk_byte_dot_pass(3), expected = (int64_t)vk_byte_dot_products() * 3;
  if (found != expected) fail("byte_dot_pass", 0, (double)found, (double)expected);
  const uint8_t bytes[11] = {[0] = 1, [10] = 2};
  if (vk_read_pass(bytes, 11) != 0x20001) fail("read_pass", 0, 0, 0);
}

static int check_table(const char *name) {
  table = vk_kernels_named(name);
  if (!table || strcmp(table->instruction_set, name) != 0) {
    printf("%s: not available\n", name);
    return 0;
  }
  comparisons = failures = 0;
  check_conversions();
  check_finiteness();
  check_products();
  check_quantizers();
  check_elementary();
  check_rounded_rows();
  check_rows();
  check_convolutions();
  check_scans();
  check_state_spaces();
  check_compression();
  check_limits();
  printf("%s: %zu comparisons, %zu failures\n", name, comparisons, failures);
  return failures == 0;
}

int main(int count, char **names) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  plain = vk_kernels_named("portable");
  int passed = count > 1;
  for (int i = 1; i < count; ++i) passed &= check_table(names[i]);
  if (count > 1 && strcmp(vk_instruction_set(), names[count - 1]) != 0) {
    printf("%s is chosen instead of %s\n", vk_instruction_set(), names[count - 1]);
    passed = 0;
  }
  return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
