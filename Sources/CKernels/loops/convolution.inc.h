// Depthwise convolutions followed by SiLU. Lanes are channels; the weights of 16 channels are
// brought into lanes once, then serve all tokens.

enum { VK_HELD_TAPS = 64 };

/// Every `stride`-th float.
VK_INLINE f32x16 load_strided(const float *from, size_t stride, size_t lanes) {
  float values[VK_LANES] = {0};
  for (size_t lane = 0; lane < lanes; ++lane) values[lane] = from[lane * stride];
  return load_f32(values);
}

VK_INLINE f32x16 load_lanes(const float *from, size_t lanes) {
  return lanes == VK_LANES ? load_f32(from) : load_some_f32(from, lanes);
}

VK_INLINE void store_lanes(float *to, f32x16 v, size_t lanes) {
  if (lanes == VK_LANES) {
    store_f32(to, v);
  } else {
    store_some_f32(to, v, lanes);
  }
}

/// The weights of 16 channels, `[channels][count]` in memory.
typedef struct taps {
  const float *weights;
  size_t count, lanes;
  f32x16 held[VK_HELD_TAPS];
} taps;

VK_INLINE void taps_prepare(taps *taps, const float *weights, size_t count, size_t lanes) {
  taps->weights = weights;
  taps->count = count;
  taps->lanes = lanes;
  for (size_t tap = 0; tap < count && count <= VK_HELD_TAPS; ++tap) {
    taps->held[tap] = load_strided(weights + tap, count, lanes);
  }
}

VK_INLINE f32x16 tap_at(const taps *taps, size_t tap) {
  if (taps->count <= VK_HELD_TAPS) return taps->held[tap];
  return load_strided(taps->weights + tap, taps->count, taps->lanes);
}

/// Four weights each for 16 channels, brought into lanes.
VK_INLINE void load_four_taps(f32x16 taps[4], const float *weights, size_t lanes) {
  float padded[4 * VK_LANES];
  if (lanes < VK_LANES) {
    memset(padded, 0, sizeof padded);
    memcpy(padded, weights, lanes * 4 * sizeof *weights);
    weights = padded;
  }
  f32x16 a = load_f32(weights), b = load_f32(weights + 16);
  f32x16 c = load_f32(weights + 32), d = load_f32(weights + 48);
  f32x16 even_low = VK_EVERY_SECOND(a, b, 0), even_high = VK_EVERY_SECOND(c, d, 0);
  f32x16 odd_low = VK_EVERY_SECOND(a, b, 1), odd_high = VK_EVERY_SECOND(c, d, 1);
  taps[0] = VK_EVERY_SECOND(even_low, even_high, 0);
  taps[1] = VK_EVERY_SECOND(odd_low, odd_high, 0);
  taps[2] = VK_EVERY_SECOND(even_low, even_high, 1);
  taps[3] = VK_EVERY_SECOND(odd_low, odd_high, 1);
}

/// A kernel of four, the usual one: weights and the last three inputs stay in registers.
VK_INLINE void convolve_four(
    float *out, const float *x, size_t x_stride, const float *weight, f32x16 bias,
    const float *history, size_t tokens, size_t stride, size_t lanes) {
  f32x16 taps[4];
  load_four_taps(taps, weight, lanes);
  f32x16 oldest = load_lanes(history, lanes), older = load_lanes(history + stride, lanes);
  f32x16 last = load_lanes(history + 2 * stride, lanes);
  for (size_t t = 0; t < tokens; ++t) {
    f32x16 newest = load_lanes(x + t * x_stride, lanes);
    f32x16 sum = VK_FMA(taps[0], oldest, bias);
    sum = VK_FMA(taps[1], older, sum);
    sum = VK_FMA(taps[2], last, sum);
    sum = VK_FMA(taps[3], newest, sum);
    store_lanes(out + t * stride, silu(sum), lanes);
    oldest = older;
    older = last;
    last = newest;
  }
}

VK_INLINE void convolve_any(
    float *out, const float *x, size_t x_stride, const float *weight, f32x16 bias,
    const float *history, size_t tokens, size_t stride, size_t kernel, size_t lanes) {
  taps taps;
  taps_prepare(&taps, weight, kernel, lanes);
  for (size_t t = 0; t < tokens; ++t) {
    f32x16 sum = bias;
    for (size_t tap = 0; tap < kernel; ++tap) {
      size_t place = t + tap;
      const float *input = place < kernel - 1 ? history + place * stride
                                              : x + (place - (kernel - 1)) * x_stride;
      sum = VK_FMA(tap_at(&taps, tap), load_lanes(input, lanes), sum);
    }
    store_lanes(out + t * stride, silu(sum), lanes);
  }
}

static void VK(causal_convolution_silu)(
    float *out, size_t stride, const float *x, size_t x_stride, const float *weight,
    const float *bias, const float *history, size_t tokens, size_t channels, size_t kernel) {
  for (size_t c = 0; c < channels; c += VK_LANES) {
    size_t lanes = channels - c < VK_LANES ? channels - c : VK_LANES;
    f32x16 start = bias ? load_lanes(bias + c, lanes) : splat(0);
    const float *past = kernel > 1 ? history + c : history;
    if (kernel == 4) {
      convolve_four(out + c, x + c, x_stride, weight + c * 4, start, past, tokens, stride, lanes);
    } else {
      convolve_any(
          out + c, x + c, x_stride, weight + c * kernel, start, past, tokens, stride, kernel,
          lanes);
    }
  }
}

VK_INLINE void convolve_grid(
    float *out, const float *x, const float *weight, const float *bias, size_t height, size_t width,
    size_t channels, const size_t kernel) {
  const size_t margin = kernel / 2;
  for (size_t c = 0; c < channels; c += VK_LANES) {
    size_t lanes = channels - c < VK_LANES ? channels - c : VK_LANES;
    taps taps;
    taps_prepare(&taps, weight + c * kernel * kernel, kernel * kernel, lanes);
    f32x16 start = bias ? load_lanes(bias + c, lanes) : splat(0);
    for (size_t row = 0; row < height; ++row) {
      // Taps whose input row (row + i - margin) lies inside the grid.
      size_t first_i = row < margin ? margin - row : 0;
      size_t end_i = height - row + margin < kernel ? height - row + margin : kernel;
      for (size_t column = 0; column < width; ++column) {
        size_t first_j = column < margin ? margin - column : 0;
        size_t end_j = width - column + margin < kernel ? width - column + margin : kernel;
        f32x16 sum = start;
        for (size_t i = first_i; i < end_i; ++i) {
          for (size_t j = first_j; j < end_j; ++j) {
            size_t place = (row + i - margin) * width + column + j - margin;
            f32x16 input = load_lanes(x + place * channels + c, lanes);
            sum = VK_FMA(tap_at(&taps, i * kernel + j), input, sum);
          }
        }
        store_lanes(out + (row * width + column) * channels + c, silu(sum), lanes);
      }
    }
  }
}

static void VK(grid_convolution_silu)(
    float *out, const float *x, const float *weight, const float *bias, size_t height, size_t width,
    size_t channels, size_t kernel) {
  if (kernel == 3) {
    convolve_grid(out, x, weight, bias, height, width, channels, 3);
  } else {
    convolve_grid(out, x, weight, bias, height, width, channels, kernel);
  }
}
