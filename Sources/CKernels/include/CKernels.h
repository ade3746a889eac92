/// Every loop over weights or activations, for the best instruction set that the processor has.
///
/// Conventions: `out` comes first; matrices are row-major; pointers need only the alignment of
/// their elements; every count may be anything, zero included, unless a comment says otherwise;
/// inputs and outputs do not overlap unless a comment allows it. No kernel allocates, locks or
/// fails: the caller checks counts first. A half is an IEEE binary16 and a bfloat the upper half of
/// a float, both as their bits in a `uint16_t`.
///
/// Sums run in 16 lanes (lane `i` takes elements `i`, `i + 16`, ...) that are added by a fixed
/// tree, so that a result never depends on how rows are shared out among threads. Between
/// instruction sets float results differ by rounding (some have fused multiply-add); the quantizers
/// are identical to the bit.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

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

/// 1 if no element is infinite or not-a-number, else 0.
int vk_all_finite(const float *in, size_t count);

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
/// For each group of 16, 80 codings (both signs, 40 step sizes) are tried and fitted by least
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

// Activations `[rows][columns]`.

/// Rounds rows, `stride` apart, to codes within +-127 with a scale for each group of columns, as
/// `vk_round_inputs` does: scale = max|x| / 127. The last group of a row may be short.
///
/// - codes: `[rows][columns]`. scales: `[rows][ceil(columns / group_size)]`.
/// - An element that is not finite makes the scale of its group so.
void vk_round_rows(
    int8_t *codes, float *scales, const float *x, size_t stride, size_t rows, size_t columns,
    size_t group_size);

/// The numbers that such codes stand for: `[rows][columns]`.
void vk_widen_rows(
    float *out, const int8_t *codes, const float *scales, size_t rows, size_t columns,
    size_t group_size);

/// out = weight * x / sqrt(mean(x^2) + epsilon), row by row. `out` may be `x`.
void vk_rms_normalize(
    float *out, const float *x, const float *weight, float epsilon, size_t rows, size_t columns);

/// out = weight * (x - mean) / sqrt(variance + epsilon) + bias, row by row, with the biased
/// variance. `out` may be `x`.
void vk_layer_normalize(
    float *out, const float *x, const float *weight, const float *bias, float epsilon, size_t rows,
    size_t columns);

/// Depthwise convolution over tokens, then SiLU.
///
/// out[t, c] = silu(bias[c] + sum_j weight[c, j] * xx[t - (kernel - 1) + j, c])    xx = history,
/// then x
///
/// - weight: `[channels][kernel]`. bias: `[channels]` or NULL. kernel >= 1.
/// - history: `[kernel - 1][channels]`, oldest first; unused if kernel is 1.
/// - stride: from one token to the next in `out` and `history`; x_stride: in `x`.
void vk_causal_convolution_silu(
    float *out, size_t stride, const float *x, size_t x_stride, const float *weight,
    const float *bias, const float *history, size_t tokens, size_t channels, size_t kernel);

/// Depthwise cross-correlation over a grid with zero padding of kernel / 2, then SiLU.
///
/// - x, out: `[height * width][channels]`. weight: `[channels][kernel][kernel]`, kernel odd. bias:
///   `[channels]` or NULL.
void vk_grid_convolution_silu(
    float *out, const float *x, const float *weight, const float *bias, size_t height, size_t width,
    size_t channels, size_t kernel);

/// What a selective scan reads. Strides are from one token to the next.
typedef struct vk_scan {
  const float *x;  ///< `[tokens][channels]`
  size_t x_stride;
  const float *time_steps;  ///< `[tokens]` times the channels of the tiles that are computed
  size_t time_step_stride;
  const float *B, *C;  ///< `[tokens][states]`
  size_t parameter_stride;
  const float *gate;  ///< `[tokens][channels]` or NULL
  size_t gate_stride;
  const float *A;  ///< tiles `[ceil(channels / 16)][states][16]`, padded with zeros
  const float *D, *time_step_bias;  ///< `[channels]`
  /// Read in place of x, B and C, without gaps between rows, unless they are NULL; see `vk_round_rows`.
  const int8_t *x_codes, *B_codes, *C_codes;
  const float *x_scales;  ///< `[tokens][ceil(channels / VK_SCALE_COLUMNS)]`
  const float *B_scales, *C_scales;  ///< `[tokens]`
  int rounds_state;  ///< whether states are rounded after each token
  float lasting;     ///< states with dt * A above this are not
} vk_scan;

/// The selective scan of Mamba-1 (arXiv:2312.00752) over tiles of 16 channels.
///
///     dt          = softplus(time_steps[t, c] + time_step_bias[c])
///     state[c, n] = exp(dt * A[c, n]) * state[c, n] + dt * B[t, n] * x[t, c]
///     y[t, c]     = (sum_n C[t, n] * state[c, n] + D[c] * x[t, c]) * silu(gate[t, c])
///
/// with softplus(v) = v if v > 20 else log1p(exp(v)); without a gate its factor is 1. A state that is
/// rounded becomes a whole multiple of 1/127 of the largest of its channel, after y was computed.
///
/// - y: `[tokens][channels]`. state: in the layout of A, advanced in place.
/// - Only tiles first_tile ..< first_tile + tile_count are computed, so that threads can share them
///   out.
void vk_selective_scan(
    float *y, float *state, const vk_scan *scan, size_t tokens, size_t channels, size_t states,
    size_t first_tile, size_t tile_count);

enum {
  VK_CHUNK = 32  ///< tokens that `vk_state_space_chunk` takes at once, at most
};

/// What one head of Mamba-2's scan (arXiv:2405.21060) reads, with dt = time_steps[t].
///
///     state[p, n] = exp(dt * A) * state[p, n] + dt * x[t, p] * B[t, n]
///     y[t, p]     = (sum_n C[t, n] * state[p, n] + D[p] * x[t, p]) * silu(gate[t, p])
///
/// Without a gate its factor is 1. Strides are from one token to the next.
typedef struct vk_state_space {
  const float *x;  ///< `[tokens][head_width]`
  size_t x_stride;
  const float *B, *C;  ///< `[tokens][states]`
  size_t parameter_stride;
  const float *time_steps, *sums;  ///< `[tokens]`, from `vk_state_space_time_steps`
  size_t step_stride;
  const float *gate;  ///< `[tokens][head_width]` or NULL
  size_t gate_stride;
  const float *D;  ///< `[head_width]`
  size_t head_width, states;
  int rounds_state;  ///< whether `vk_state_space_steps` rounds states, as `vk_selective_scan` does
  float lasting;     ///< all of a head with dt * A above this are not
} vk_state_space;

/// Time steps of all heads, and how far the state has decayed.
///
///     steps[t, h] = min(max(softplus(raw[t, h] + bias[h]), minimum), maximum)
///     sums[t, h]  = sum of steps[., h] * A[h] from the first token of the chunk to token t
///
/// - raw: `[tokens][heads]`, rows stride apart. steps, sums: `[tokens][heads]`. bias, A: `[heads]`.
/// - Chunks of that many tokens follow each other from token 0. Sums are in double precision,
///   rounded.
void vk_state_space_time_steps(
    float *steps, float *sums, const float *raw, size_t stride, const float *bias, const float *A,
    float minimum, float maximum, size_t tokens, size_t heads, size_t chunk);

/// One head's scan, token after token; `sums` are those of chunks of one token.
///
/// - y: `[tokens][head_width]`, rows stride apart. state: `[head_width][states]`, advanced in place.
void vk_state_space_steps(
    float *y, size_t stride, float *state, const vk_state_space *scan, size_t tokens);

/// What the heads of a group share in a chunk of at most VK_CHUNK tokens: C with tokens as columns,
/// B in rows without a gap, and C[i] . B[j] for all pairs of tokens.
///
/// - prepared: room for VK_CHUNK * (2 * padded + VK_CHUNK) floats, padded = states, rounded up to a
///   multiple of VK_CHUNK. B, C: `[tokens][states]`, rows stride apart.
void vk_state_space_prepare(
    float *prepared, const float *B, const float *C, size_t stride, size_t tokens, size_t states);

/// One head's scan of a chunk of at most VK_CHUNK tokens as products of matrices. With a = sums, of
/// that chunk:
///
///     y[i]  = sum_(j <= i) (C[i] . B[j]) exp(a[i] - a[j]) dt[j] x[j] + exp(a[i]) C[i] . state
///     state = exp(a[last]) state + sum_j exp(a[last] - a[j]) dt[j] x[j] B[j]
///
/// and skip and gate as above. B and C are read from `prepared` alone. y, state: as in
/// `vk_state_space_steps`.
void vk_state_space_chunk(
    float *y, size_t stride, float *state, const float *prepared, const vk_state_space *scan,
    size_t tokens);

/// Replaces every row by softmax(scale * row).
void vk_softmax_rows(float *x, float scale, size_t rows, size_t columns);

/// out = x - log(sum(exp(x))), row by row, the sum in double precision. `out` may be `x`.
void vk_log_softmax_rows(float *out, const float *x, size_t rows, size_t columns);

/// The functions that `vk_activate` knows.
enum vk_activation {
  VK_GELU,       ///< x / 2 (1 + erf(x / sqrt(2)))
  VK_GELU_TANH,  ///< x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
  VK_QUICK_GELU, ///< x sigmoid(1.702 x)
  VK_SILU        ///< x sigmoid(x)
};

/// Applies an `enum vk_activation` to every element. `out` may be `x`.
void vk_activate(float *out, const float *x, int activation, size_t count);

/// out = x * silu(gate). `out` may be `x` or `gate`.
void vk_gate_silu(float *out, const float *x, const float *gate, size_t count);

/// out = a + b. `out` may be `a` or `b`.
void vk_add(float *out, const float *a, const float *b, size_t count);

/// out = exp(x) to a relative error of 2e-7; 0 and infinity where the result is out of range. `out`
/// may be `x`.
void vk_exp(float *out, const float *x, size_t count);

/// out = x if x > 20, else log1p(exp(x)), to a relative error of 5e-7. `out` may be `x`.
void vk_softplus(float *out, const float *x, size_t count);

// Gradients: derivatives of a loss, from those in outputs (`dy`) to those in inputs and weights. What
// belongs to weights is added to; what belongs to inputs is written.

/// Derivatives through x sigmoid(x). `dx` may be `x` or `dy`.
void vk_silu_gradient(float *dx, const float *x, const float *dy, size_t count);

/// Derivatives through `vk_rms_normalize`. dweight: `[columns]`.
void vk_rms_gradient(
    float *dx, float *dweight, const float *x, const float *weight, const float *dy, float epsilon,
    size_t rows, size_t columns);

/// Derivatives through `vk_causal_convolution_silu` with a history of zeros, of at most 64 taps. bias
/// and dbias: `[channels]`, or both NULL.
void vk_causal_convolution_silu_gradient(
    float *dx, float *dweight, float *dbias, const float *x, const float *weight, const float *bias,
    const float *dy, size_t tokens, size_t channels, size_t kernel);

/// The derivatives that `vk_selective_scan_gradient` gives.
typedef struct vk_scan_gradient {
  float *y;                ///< The outputs of the scan, `[tokens][channels]`; written.
  float *x, *time_steps;   ///< `[tokens][channels]`; written.
  float *B, *C;            ///< `[tokens][states]`; added to.
  float *A;                ///< In the layout of A; added to.
  float *D, *time_step_bias;  ///< `[channels]`; added to.
} vk_scan_gradient;

/// Derivatives through `vk_selective_scan` from a zero state, without a gate, over all tiles.
///
/// Each tile runs forward, with all its states kept, and then backward. scratch: `(tokens + 1) *
/// states * 16` floats. dy: `[tokens][channels]`.
void vk_selective_scan_gradient(
    const vk_scan_gradient *out, float *scratch, const vk_scan *scan, const float *dy,
    size_t tokens, size_t channels, size_t states);

/// The divergence sum_k p (ln p - ln q) of a model's probabilities q from the reference's p, given
/// their logarithms; dlogits = weight * (q - p) are the derivatives of its weighted value in the
/// model's logits. `dlogits` may be `model`.
double vk_divergence_gradient(
    float *dlogits, const float *model, const float *reference, float weight, size_t count);

/// out[r, k] = w[r, k] * factors[r, k / group_size] * column_factors[k]; the last are 1 if NULL.
void vk_apply_factors(
    float *out, const float *w, const float *factors, const float *column_factors, size_t rows,
    size_t columns, size_t group_size);

/// Derivatives through `vk_apply_factors` in the factors; both are added to. `dcolumn_factors` is
/// not used if `column_factors` is NULL.
void vk_factor_gradient(
    float *dfactors, float *dcolumn_factors, const float *dw, const float *w, const float *factors,
    const float *column_factors, size_t rows, size_t columns, size_t group_size);

// Compression: rANS, byte by byte, as docs/format.md defines it. Streams are the same bytes whatever
// the instruction set.

/// Bytes that `vk_rans_encode` may need for that many.
size_t vk_rans_bound(size_t count);

/// Compresses bytes, fewer than 2^32, to about their order-0 entropy. Returns the stream's length, 0 if
/// there are no bytes.
///
/// - out: `vk_rans_bound(count)` bytes.
size_t vk_rans_encode(uint8_t *out, const uint8_t *bytes, size_t count);

/// Returns 1 if `in` is the stream of `count` bytes, which then are in `out`, else 0; `in` may be
/// anything.
int vk_rans_decode(uint8_t *out, size_t count, const uint8_t *in, size_t in_count);

// Instruction sets.

#define VK_EACH_KERNEL(X) \
  X(widen_f16) X(widen_bf16) X(narrow_f16) X(narrow_bf16) X(all_finite) \
  X(f32_matvec) X(f16_matvec) X(bf16_matvec) \
  X(q8_quantize) X(q8_scales) X(e_quantize) X(coarse_halves) X(multiply_columns) X(q4_quantize) \
  X(round_columns) X(descend_codes) X(rotate_blocks) \
  X(q8_tile) X(q6_tile) X(q4_tile) X(tile_halves) X(tile_bytes) \
  X(q8_expand) X(q6_expand) X(q4_expand) X(round_inputs) X(split_inputs) X(round_rows) X(widen_rows) X(q8_multiply) \
  X(q6_multiply) X(q4_multiply) \
  X(rms_normalize) X(layer_normalize) X(causal_convolution_silu) X(grid_convolution_silu) \
  X(selective_scan) X(state_space_time_steps) X(state_space_steps) \
  X(state_space_prepare) X(state_space_chunk) X(softmax_rows) X(log_softmax_rows) \
  X(activate) X(gate_silu) X(add) X(exp) X(softplus) \
  X(silu_gradient) X(rms_gradient) X(causal_convolution_silu_gradient) \
  X(selective_scan_gradient) X(divergence_gradient) X(apply_factors) X(factor_gradient) \
  X(rans_decode)

/// All kernels for one instruction set: a member for each function above, named without the prefix.
typedef struct vk_table {
  /// `portable`, `avx2`, `avx-vnni`, `avx512`, `neon` or `neon-dotprod`.
  const char *instruction_set;
#define VK_MEMBER(name) __typeof__(vk_##name) *name;
  VK_EACH_KERNEL(VK_MEMBER)
#undef VK_MEMBER
} vk_table;

/// The kernels for the named instruction set, or NULL if this build or this processor lacks it.
const vk_table *vk_kernels_named(const char *instruction_set);

/// The instruction set that the functions above use: the best one that the processor has, or the
/// one named by the environment variable VLM_CONVERT_KERNELS when it was first needed, if that is
/// available.
const char *vk_instruction_set(void);

// The limits of the machine.

/// Reads every byte once, in wide loads, and returns the exclusive or of all little-endian words of 64
/// bits, the last one padded with zeros: what memory gives at most.
uint64_t vk_read_pass(const void *bytes, size_t count);

/// Multiplies bytes that are one with the best instruction for it, `vk_byte_dot_products()` times a
/// round, and returns the sum modulo 2^32: what the arithmetic units give at most.
int32_t vk_byte_dot_pass(size_t rounds);

/// Products of a round of `vk_byte_dot_pass`; each is multiplied and added.
size_t vk_byte_dot_products(void);

// Memory.

/// Tells the allocator to keep up to 256 MiB of what is freed. Activations are allocated and freed
/// over and over; each time the system took them back, it would clear them anew.
void vk_keep_freed_memory(void);

// Threads.

/// A fixed set of threads that share out the indices of one loop at a time.
typedef struct vk_pool vk_pool;

/// Starts a pool of that many threads, the caller of `vk_pool_run` counted as one (0 is taken as
/// 1).
///
/// Fewer are started if the system refuses more; NULL if memory is short.
vk_pool *vk_pool_create(size_t threads);

/// Ends the threads. The pool must be idle.
void vk_pool_destroy(vk_pool *pool);

/// Threads that take part in a run, the caller included.
size_t vk_pool_threads(const vk_pool *pool);

/// Calls body(context, index) once for each index below count, and returns when all calls have
/// returned.
///
/// Indices are taken in order, by whichever thread is free. Runs from several threads wait for one
/// another. A body must not run the same pool.
void vk_pool_run(
    vk_pool *pool, size_t count, void (*body)(void *context, size_t index), void *context);

#ifdef __cplusplus
}
#endif

#endif
