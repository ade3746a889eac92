// Rounding to steps that are given. As in the quantizers, only operations that IEEE 754 defines to
// the bit and in one order.

/// The nearest code, `smallest` for what is not a number.
VK_INLINE float nearest_code(float ratio, const vk_steps *steps) {
  float low = (float)steps->smallest, high = (float)steps->largest;
  ratio = ratio > low ? ratio : low;
  ratio = ratio < high ? ratio : high;
  return (ratio + 0x1.8p23f) - 0x1.8p23f;
}

/// to[k] += factor * from[k].
VK_INLINE void add_multiple(float *to, const float *from, float factor, size_t count) {
  size_t k = 0;
  for (; k + VK_LANES <= count; k += VK_LANES) {
    store_f32(to + k, load_f32(to + k) + splat(factor) * load_f32(from + k));
  }
  if (k < count) {
    f32x16 sum = load_some_f32(to + k, count - k) + splat(factor) * load_some_f32(from + k, count - k);
    store_some_f32(to + k, sum, count - k);
  }
}

static void VK(round_columns)(
    int8_t *codes, float *errors, float *w, size_t stride, const vk_steps *steps,
    const float *factor, size_t factor_stride, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; ++r, w += stride, codes += stride) {
    const float *row_steps = steps->values + r * steps->stride;
    for (size_t k = 0; k < columns; ++k) {
      float step = row_steps[k / steps->columns];
      float code = step == 0 ? 0 : nearest_code(w[k] / step, steps);
      codes[k] = (int8_t)code;
      if (!factor) continue;
      const float *influence = factor + k * factor_stride + k;
      float error = (step * code - w[k]) / influence[0];
      errors[r * columns + k] = error;
      add_multiple(w + k + 1, influence + 1, error, columns - k - 1);
    }
  }
}

static void VK(descend_codes)(
    int8_t *codes, float *gradient, const vk_steps *steps, const float *moments, size_t rows,
    size_t columns) {
  for (size_t r = 0; r < rows; ++r, codes += columns, gradient += columns) {
    const float *row_steps = steps->values + r * steps->stride;
    for (size_t k = 0; k < columns; ++k) {
      float step = row_steps[k / steps->columns];
      float slope = step * gradient[k];
      int change = slope > 0 ? -1 : 1;
      int code = codes[k] + change;
      if (code < steps->smallest || code > steps->largest) continue;
      float curvature = step * step * moments[k * columns + k];
      if (!((float)(2 * change) * slope + curvature < 0)) continue;
      codes[k] = (int8_t)code;
      add_multiple(gradient, moments + k * columns, (float)change * step, columns);
    }
  }
}
