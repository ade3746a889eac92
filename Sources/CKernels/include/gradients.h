/// Derivatives, for learning scales.
#ifndef CKERNELS_GRADIENTS_H
#define CKERNELS_GRADIENTS_H

#include <stddef.h>

#include "scans.h"

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

#endif
