/// Norms, convolutions and functions of activations.
#ifndef CKERNELS_ACTIVATIONS_H
#define CKERNELS_ACTIVATIONS_H

#include <stddef.h>
#include <stdint.h>

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

#endif
