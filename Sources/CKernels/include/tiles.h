/// Encoded matrices and rounded inputs as fast products read them.
#ifndef CKERNELS_TILES_H
#define CKERNELS_TILES_H

#include <stddef.h>
#include <stdint.h>

// Tiles: the same matrices as products read them, 16 rows at a time (a stripe) and four columns of
// each row to a vector of 64 bytes. Columns are padded to a multiple of VK_INPUT_STEP, rows to a
// multiple of 16; padding may hold anything in memory, and zeros as made here.
//
// - q8 codes: `[stripes][padded / 4][16][4]`, each code plus 128.
// - q6 codes, each plus 32: `[stripes][padded / 16][3][16][4]`. Of the four columns numbered 0, 4, 8
//   and 12 from, the low nibbles lie in the first two vectors as those of q4 do, and the two high
//   bits in the third, one above the other.
// - q4 codes: `[stripes][padded / 8][16][4]`, columns 0...3 of eight in the low nibbles, 4...7 high.
// - scales of any kind: `[stripes][groups][16]`.

enum {
  VK_INPUT_STEP = 16,     ///< columns are padded to a multiple of this
  VK_SCALE_COLUMNS = 32,  ///< columns of the inputs that share a scale, at most
  VK_INPUT_BUNDLE = 8,    ///< rows of inputs that lie together
  VK_INPUT_DIGITS = 3     ///< rows that `vk_split_inputs` makes of one
};

/// Brings q8 codes into tiles.
void vk_q8_tile(uint8_t *tiles, const int8_t *codes, size_t rows, size_t columns);

/// Brings q8 codes within -32...31 into tiles of six bits; returns 0 if one is not.
int vk_q6_tile(uint8_t *tiles, const int8_t *codes, size_t rows, size_t columns);

/// Brings q4 codes into tiles.
void vk_q4_tile(uint8_t *tiles, const uint8_t *codes, size_t rows, size_t columns);

/// Brings scales `[rows][groups]` into tiles.
void vk_tile_halves(uint16_t *tiles, const uint16_t *scales, size_t rows, size_t groups);

/// Brings sub-scales `[rows][groups]` into tiles.
void vk_tile_bytes(int8_t *tiles, const int8_t *scales, size_t rows, size_t groups);

/// The floats that rows of a tiled q8 matrix stand for, `[rows][columns]`. group_size is a multiple
/// of VK_INPUT_STEP.
void vk_q8_expand(
    float *out, const uint8_t *tiles, const uint16_t *scales, size_t first_row, size_t rows,
    size_t columns, size_t group_size);

/// The same for tiles of six bits.
void vk_q6_expand(
    float *out, const uint8_t *tiles, const uint16_t *scales, size_t first_row, size_t rows,
    size_t columns, size_t group_size);

/// The floats that rows of a tiled q4 matrix stand for, `[rows][columns]`.
void vk_q4_expand(
    float *out, const uint8_t *tiles, const int8_t *sub_scales, const uint16_t *super_scales,
    size_t first_row, size_t rows, size_t columns);

/// Inputs of a product as bytes with scales.
///
///     x[t, k] = scales[t, k / scale_columns] * codes[t, k]
///
/// Rows lie in bundles of VK_INPUT_BUNDLE, those that are left at the end in a smaller one: for a
/// bundle of `width` rows, codes `[padded / 4][width][4]`, offsets `[ceil(padded /
/// offset_columns)][width]` and scales `[ceil(padded / scale_columns)][width]`.
typedef struct vk_inputs {
  const int8_t *codes;     ///< within +-127, zero in the padding
  const int32_t *offsets;  ///< -offset * sum of codes
  const float *scales;
} vk_inputs;

/// Rounds inputs `[tokens][columns]`, whose rows are `stride` apart, to the parts of `vk_inputs`:
/// scale = max|x| / 127 for each scale_columns columns, codes to nearest.
///
/// Inputs are multiplied first by steps, halves `[columns]`, unless that is NULL.
/// scale_columns is VK_SCALE_COLUMNS at most; it and offset_columns are multiples of VK_INPUT_STEP.
/// An input that is not finite makes the scale of its group so.
void vk_round_inputs(
    int8_t *codes, int32_t *offsets, float *scales, const float *x, size_t stride,
    const uint16_t *steps, size_t tokens, size_t columns, size_t scale_columns,
    size_t offset_columns, int offset);

/// The same in three rows for each token, whose sum is the input to 24 bits of the largest in its
/// group.
void vk_split_inputs(
    int8_t *codes, int32_t *offsets, float *scales, const float *x, size_t stride,
    const uint16_t *steps, size_t tokens, size_t columns, size_t scale_columns,
    size_t offset_columns, int offset);

/// Products of rows of a tiled q8 matrix and inputs with scale_columns = offset_columns =
/// min(group_size, VK_SCALE_COLUMNS) and offset 128.
///
///     out[t * stride + r] = sum_k w[first_row + r, k] x[t, k]
///
/// Sums over scale_columns are whole numbers, so they are exact. first_row is a multiple of 16;
/// group_size is 16 or a multiple of VK_SCALE_COLUMNS; the inputs begin with a bundle and end with
/// one or with the last row that was rounded.
void vk_q8_multiply(
    float *out, size_t stride, const uint8_t *tiles, const uint16_t *scales,
    const vk_inputs *inputs, size_t tokens, size_t first_row, size_t rows, size_t columns,
    size_t group_size);

/// The same for tiles of six bits, with offset 32.
void vk_q6_multiply(
    float *out, size_t stride, const uint8_t *tiles, const uint16_t *scales,
    const vk_inputs *inputs, size_t tokens, size_t first_row, size_t rows, size_t columns,
    size_t group_size);

/// The same of a tiled q4 matrix and inputs with scale_columns = VK_SCALE_COLUMNS, offset_columns =
/// 16 and offset 8.
void vk_q4_multiply(
    float *out, size_t stride, const uint8_t *tiles, const int8_t *sub_scales,
    const uint16_t *super_scales, const vk_inputs *inputs, size_t tokens, size_t first_row,
    size_t rows, size_t columns);

#endif
