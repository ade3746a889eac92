/// The scans of Mamba-1 and Mamba-2.
#ifndef CKERNELS_SCANS_H
#define CKERNELS_SCANS_H

#include <stddef.h>
#include <stdint.h>

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

#endif
