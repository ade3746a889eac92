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

#include "activations.h"
#include "compression.h"
#include "gradients.h"
#include "machine.h"
#include "scans.h"
#include "tiles.h"
#include "weights.h"

// Instruction sets.

#define VK_EACH_KERNEL(X) \
  X(widen_f16) X(widen_bf16) X(narrow_f16) X(narrow_bf16) X(all_within) \
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

#ifdef __cplusplus
}
#endif

#endif
