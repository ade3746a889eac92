/// Weights: conversion of numbers, encodings of matrices, products of rows.
#ifndef CKERNELS_WEIGHTS_H
#define CKERNELS_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

// Conversion of numbers.

/// Halves to floats, exactly; subnormals, infinities and not-a-number included.
void vk_widen_f16(float *out, const uint16_t *in, size_t count);

/// Bfloats to floats, exactly.
void vk_widen_bf16(float *out, const uint16_t *in, size_t count);

/// Floats to halves, to nearest, ties to even; too large becomes infinite; not-a-number stays
/// (quiet).
void vk_narrow_f16(uint16_t *out, const float *in, size_t count);

/// Floats to bfloats, to nearest, ties to even; too large becomes infinite; not-a-number stays
/// (quiet).
void vk_narrow_bf16(uint16_t *out, const float *in, size_t count);

/// 1 if no magnitude is above a limit and no element is not-a-number, else 0.
int vk_all_within(const float *in, size_t count, float limit);

// Products of a weight matrix `[rows][columns]` and a vector `x[columns]`:
//
//     out[r] = sum_k w[r, k] x[k]

/// Product with a matrix of floats.
void vk_f32_matvec(float *out, const float *w, const float *x, size_t rows, size_t columns);

/// Product with a matrix of halves.
void vk_f16_matvec(float *out, const uint16_t *w, const float *x, size_t rows, size_t columns);

/// Product with a matrix of bfloats.
void vk_bf16_matvec(float *out, const uint16_t *w, const float *x, size_t rows, size_t columns);

// q8: w[r, k] = scales[r, k / group_size] * codes[r, k]. Codes `[rows][columns]`; scales are
// halves, `[rows][groups]` with groups = ceil(columns / group_size); the last group may be short;
// group_size >= 1.

/// Rounds a matrix to q8, codes within +-largest_code (1...127).
///
/// scale = half(max|w| / largest_code), one unit in the last place more if that half is so small
/// that the largest weight would round beyond largest_code; code = rint(w / scale). A group whose
/// scale is zero has codes 0. A scale beyond the range of halves becomes the largest half (codes
/// saturate); weights are expected to be finite.
void vk_q8_quantize(
    int8_t *codes, uint16_t *scales, const float *w, size_t rows, size_t columns, size_t group_size,
    int largest_code);

/// Finds the scales of q8 or narrower codes with a small weighted error
/// sum_k importance[k] (w[r, k] - scale * code)^2 in each group.
///
/// 16 steps, from one that leaves room above the largest weight to one that clips it by a fifth, are
/// tried and fitted by least squares. Codes are those that `vk_round_columns` finds.
///
/// - importance: `[columns]`, or NULL for 1 everywhere; what is not above zero counts as zero.
void vk_q8_scales(
    uint16_t *scales, const float *w, const float *importance, size_t rows, size_t columns,
    size_t group_size, int largest_code);

// e: w[r, k] = scales[r] * codes[r, k] * steps[k], with halves for scales `[rows]` and steps `[columns]`.

/// Rounds a matrix to codes within +-127 with steps of one.
///
/// scale = step * sqrt(mean(w^2)), rounded to a half of five significant bits where it is not
/// subnormal; code = rint(w / scale). A row in which a code would pass 127 has the scale of
/// `vk_q8_quantize` for the whole row instead. Weights are expected to be finite.
void vk_e_quantize(
    int8_t *codes, uint16_t *scales, const float *w, size_t rows, size_t columns, float step);

/// Values that are not negative as such scales: halves of five significant bits, at most the largest
/// finite one.
void vk_coarse_halves(uint16_t *out, const float *in, size_t count);

/// out[r, k] = x[r, k] * steps[k] with halves for steps. `out` may be `x`.
void vk_multiply_columns(
    float *out, const float *x, const uint16_t *steps, size_t rows, size_t columns);

// q4: w[r, k] = super_scales[r, k / 256] * sub_scales[r, k / 16] * (nibble[r, k] - 8).
// codes: ceil(columns / 2) bytes a row, the even column in the low nibble; rows never share a byte.
// sub_scales: ceil(columns / 16) a row. super_scales: halves, ceil(columns / 256) a row.

/// Finds the q4 matrix with a small weighted error sum_k importance[k] (w[r, k] - q4[r, k])^2 in
/// each row.
///
/// For each group of 16, 64 codings (both signs, 32 step sizes) are tried and fitted by least
/// squares; a super-block then shares a half scale, its sub-scales lie in -31...31 and are zero
/// only for a group of zeros (or where the super-scale rounds to zero), each is tried one step up
/// and down, and the super-scale is refitted once. An unused high nibble is written as 8.
///
/// - importance: `[columns]`, or NULL for 1 everywhere; what is not above zero counts as zero.
/// - weights are expected to be finite; a super-scale beyond the range of halves becomes the
///   largest half.
void vk_q4_quantize(
    uint8_t *codes, int8_t *sub_scales, uint16_t *super_scales, const float *w,
    const float *importance, size_t rows, size_t columns);

/// Steps of codes, each for some neighbouring columns of a row, and the codes there are.
typedef struct vk_steps {
  const float *values;    ///< `[rows][columns / columns of a step, rounded up]`
  size_t stride;          ///< steps from one row to the next
  size_t columns;         ///< columns that share a step
  int smallest, largest;  ///< codes, within -128...127
} vk_steps;

/// Rounds columns from left to right and makes up for the error of each in those after it.
///
/// code = rint(w / step) within the limits, 0 where the step is; with
/// error[k] = (step * code - w[k]) / factor[k, k], w[j] += error[k] * factor[k, j] for all
/// k < j < columns.
///
/// - codes: `[rows]`, `stride` apart as those of w are.
/// - errors: `[rows][columns]`; not touched if there is no factor.
/// - w: is left changed where it was compensated.
/// - factor: upper triangular, or NULL to round every column by itself.
void vk_round_columns(
    int8_t *codes, float *errors, float *w, size_t stride, const vk_steps *steps,
    const float *factor, size_t factor_stride, size_t rows, size_t columns);

/// Rotates rows in blocks of `block` columns, a power of two up to 128 that divides the columns:
/// signs, then the Walsh-Hadamard transform in its natural order, divided by the root of `block`.
///
/// out[r, b + i] = sum_j (-1)^popcount(i & j) signs[(b + j) mod 128] x[r, b + j] / sqrt(block), or, if
/// `backward`, what undoes that: the transform first and then the signs.
///
/// - out: `[rows][columns]`, may be x if rows of that are `columns` apart.
/// - x: rows are `stride` apart.
/// - signs: 128 numbers that are 1 or -1.
void vk_rotate_blocks(
    float *out, const float *x, size_t stride, const float *signs, size_t rows, size_t columns,
    size_t block, int backward);

/// Goes over the codes of each row once and moves each by one where that lowers e H e^T, with
/// e = step * code - w.
///
/// - gradient: `[rows][columns]`, e H; kept up to date.
/// - moments: H, symmetric, `[columns][columns]`.
void vk_descend_codes(
    int8_t *codes, float *gradient, const vk_steps *steps, const float *moments, size_t rows,
    size_t columns);

#endif
