// Weights in tiles of 16 rows, so that a vector register holds four columns of each row: the
// layouts stand in include/tiles.h. Here they are made and taken apart again.

enum { VK_VECTOR = 64 };  // bytes of 16 rows and four columns

/// Bytes of 16 rows and VK_INPUT_STEP columns.
VK_INLINE size_t code_group_bytes(size_t bits) { return VK_LANES * VK_INPUT_STEP * bits / 8; }

/// Up to four bytes of a row, the rest zero.
VK_INLINE uint32_t load_word(const uint8_t *from, size_t bytes) {
  uint32_t word = 0;
  memcpy(&word, from, bytes);
  return word;
}

/// Word `place` of each of up to 16 rows; zero for rows that are not there and past the end.
VK_INLINE u32x16 gather_words(
    const uint8_t *rows, size_t stride, size_t count, size_t place) {
  uint32_t words[VK_LANES] = {0};
  if (4 * place + 4 <= stride) {
    for (size_t r = 0; r < count; ++r) memcpy(words + r, rows + r * stride + 4 * place, 4);
  } else if (4 * place < stride) {
    for (size_t r = 0; r < count; ++r) {
      words[r] = load_word(rows + r * stride + 4 * place, stride - 4 * place);
    }
  }
  u32x16 gathered;
  memcpy(&gathered, words, sizeof gathered);
  return gathered;
}

static void VK(q8_tile)(uint8_t *tiles, const int8_t *codes, size_t rows, size_t columns) {
  size_t words = padded_columns(columns) / 4;
  for (size_t r = 0; r < rows; r += VK_LANES) {
    size_t count = rows - r < VK_LANES ? rows - r : VK_LANES;
    for (size_t w = 0; w < words; ++w, tiles += VK_VECTOR) {
      u32x16 vector =
          gather_words((const uint8_t *)codes + r * columns, columns, count, w) ^ 0x80808080u;
      memcpy(tiles, &vector, sizeof vector);
    }
  }
}

static int VK(q6_tile)(uint8_t *tiles, const int8_t *codes, size_t rows, size_t columns) {
  size_t words = padded_columns(columns) / 4;
  u32x16 seen = 0;
  for (size_t r = 0; r < rows; r += VK_LANES) {
    size_t count = rows - r < VK_LANES ? rows - r : VK_LANES;
    for (size_t w = 0; w < words; w += 4, tiles += code_group_bytes(6)) {
      u32x16 fours[4];
      for (size_t i = 0; i < 4; ++i) {
        u32x16 four = gather_words((const uint8_t *)codes + r * columns, columns, count, w + i);
        // The two highest bits of a code that fits are copies of the one below them.
        seen |= (four ^ four << 1) & 0xc0c0c0c0u;
        fours[i] = (four ^ 0x20202020u) & 0x3f3f3f3fu;
      }
      u32x16 vectors[3] = {
          (fours[0] & 0x0f0f0f0fu) | (fours[1] & 0x0f0f0f0fu) << 4,
          (fours[2] & 0x0f0f0f0fu) | (fours[3] & 0x0f0f0f0fu) << 4,
          (fours[0] & 0x30303030u) >> 4 | (fours[1] & 0x30303030u) >> 2
              | (fours[2] & 0x30303030u) | (fours[3] & 0x30303030u) << 2};
      memcpy(tiles, vectors, sizeof vectors);
    }
  }
  return __builtin_reduce_or(seen) == 0;
}

/// Eight nibbles of a row, the even column low, to four bytes with columns 0...3 low and 4...7
/// high.
VK_INLINE u32x16 rearrange_nibbles(u32x16 word) {
  u32x16 low = word & 0xffff, high = word >> 16;
  u32x16 even = (low & 0x0f0f) | (high & 0x0f0f) << 4;
  u32x16 odd = (low >> 4 & 0x0f0f) | (high & 0xf0f0);
  return (even & 0xff) | (odd & 0xff) << 8 | (even & 0xff00) << 8 | (odd & 0xff00) << 16;
}

static void VK(q4_tile)(uint8_t *tiles, const uint8_t *codes, size_t rows, size_t columns) {
  size_t words = padded_columns(columns) / 8, stride = columns / 2 + columns % 2;
  for (size_t r = 0; r < rows; r += VK_LANES) {
    size_t count = rows - r < VK_LANES ? rows - r : VK_LANES;
    for (size_t w = 0; w < words; ++w, tiles += VK_VECTOR) {
      u32x16 vector = rearrange_nibbles(gather_words(codes + r * stride, stride, count, w));
      memcpy(tiles, &vector, sizeof vector);
    }
  }
}

#define VK_TILE_SCALES(name, type) \
  static void VK(name)(type *tiles, const type *scales, size_t rows, size_t groups) { \
    for (size_t r = 0; r < rows; r += VK_LANES) { \
      size_t count = rows - r < VK_LANES ? rows - r : VK_LANES; \
      for (size_t g = 0; g < groups; ++g, tiles += VK_LANES) { \
        for (size_t i = 0; i < VK_LANES; ++i) { \
          tiles[i] = i < count ? scales[(r + i) * groups + g] : 0; \
        } \
      } \
    } \
  }
VK_TILE_SCALES(tile_halves, uint16_t)
VK_TILE_SCALES(tile_bytes, int8_t)

/// Four codes of one row in six bits each, where `four` is which four of 16.
VK_INLINE uint32_t load_sixes_of_row(const uint8_t *row, size_t four) {
  uint32_t low = load_word(row + four / 2 * VK_VECTOR, 4);
  uint32_t high = load_word(row + 2 * VK_VECTOR, 4);
  return (low >> four % 2 * 4 & 0x0f0f0f0fu) | (high >> four * 2 & 0x03030303u) << 4;
}

/// Four codes of one row.
VK_INLINE void expand_word(
    float *out, uint32_t word, int offset, float scale, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    out[i] = (float)((int)(word >> 8 * i & 255) - offset) * scale;
  }
}

/// Rows of a matrix of single scales, q8 or q6; `bits` is a constant.
VK_INLINE void scaled_expand(
    float *out, const uint8_t *tiles, const uint16_t *scales, size_t first_row, size_t rows,
    size_t columns, size_t group_size, const int bits) {
  size_t steps = padded_columns(columns) / VK_INPUT_STEP;
  size_t step_bytes = code_group_bytes((size_t)bits), groups = quotient_up(columns, group_size);
  for (size_t r = first_row; r < first_row + rows; ++r, out += columns) {
    const uint8_t *row = tiles + r / VK_LANES * steps * step_bytes + r % VK_LANES * 4;
    const uint16_t *row_scales = scales + r / VK_LANES * groups * VK_LANES + r % VK_LANES;
    for (size_t k = 0; k < columns; k += 4) {
      const uint8_t *step = row + k / VK_INPUT_STEP * step_bytes;
      size_t four = k % VK_INPUT_STEP / 4, count = columns - k < 4 ? columns - k : 4;
      uint32_t word =
          bits == 6 ? load_sixes_of_row(step, four) : load_word(step + four * VK_VECTOR, 4);
      float scale = widen_one_half(row_scales[k / group_size * VK_LANES]);
      expand_word(out + k, word, 1 << (bits - 1), scale, count);
    }
  }
}

static void VK(q8_expand)(
    float *out, const uint8_t *tiles, const uint16_t *scales, size_t first_row, size_t rows,
    size_t columns, size_t group_size) {
  scaled_expand(out, tiles, scales, first_row, rows, columns, group_size, 8);
}

static void VK(q6_expand)(
    float *out, const uint8_t *tiles, const uint16_t *scales, size_t first_row, size_t rows,
    size_t columns, size_t group_size) {
  scaled_expand(out, tiles, scales, first_row, rows, columns, group_size, 6);
}

static void VK(q4_expand)(
    float *out, const uint8_t *tiles, const int8_t *sub_scales, const uint16_t *super_scales,
    size_t first_row, size_t rows, size_t columns) {
  size_t groups = quotient_up(columns, VK_GROUP), blocks = quotient_up(columns, VK_SUPER_BLOCK);
  for (size_t r = first_row; r < first_row + rows; ++r, out += columns) {
    size_t stripe = r / VK_LANES, lane = r % VK_LANES;
    const uint8_t *row = tiles + stripe * groups * 2 * VK_VECTOR + lane * 4;
    for (size_t g = 0; g < groups; ++g, row += 2 * VK_VECTOR) {
      float step = (float)sub_scales[(stripe * groups + g) * VK_LANES + lane]
                   * widen_one_half(
                       super_scales[(stripe * blocks + g / VK_GROUPS) * VK_LANES + lane]);
      float values[VK_GROUP];
      for (size_t i = 0; i < VK_GROUP; ++i) {
        uint8_t byte = row[i / 8 * VK_VECTOR + i % 4];
        values[i] = (float)((i % 8 < 4 ? byte & 15 : byte >> 4) - 8) * step;
      }
      size_t left = columns - g * VK_GROUP;
      memcpy(out + g * VK_GROUP, values, (left < VK_GROUP ? left : VK_GROUP) * sizeof *out);
    }
  }
}
