// Derivatives of a loss, from those in the outputs of a loop to those in its inputs and weights.

/// The derivative of x sigmoid(x).
VK_INLINE f32x16 silu_slope(f32x16 x) {
  f32x16 s = sigmoid(x);
  return s * VK_FMA(x, splat(1) - s, splat(1));
}

VK_INLINE f32x16 silu_gradient(f32x16 x, f32x16 dy) { return dy * silu_slope(x); }
VK_MAP_TWO(silu_gradient, silu_gradient)

static void VK(rms_gradient)(
    float *dx, float *dweight, const float *x, const float *weight, const float *dy, float epsilon,
    size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; ++r, x += columns, dy += columns, dx += columns) {
    f32x16 squares = 0, products = 0;
    for (size_t k = 0; k < columns; k += VK_LANES) {
      size_t lanes = columns - k < VK_LANES ? columns - k : VK_LANES;
      f32x16 v = load_lanes(x + k, lanes);
      squares = VK_FMA(v, v, squares);
      products = VK_FMA(load_lanes(dy + k, lanes) * load_lanes(weight + k, lanes), v, products);
    }
    float inverse = 1 / square_root(sum_lanes(squares) / (float)columns + epsilon);
    float pull = inverse * inverse * sum_lanes(products) / (float)columns;
    for (size_t k = 0; k < columns; k += VK_LANES) {
      size_t lanes = columns - k < VK_LANES ? columns - k : VK_LANES;
      f32x16 v = load_lanes(x + k, lanes), d = load_lanes(dy + k, lanes);
      f32x16 change = VK_FMA(d * v, splat(inverse), load_lanes(dweight + k, lanes));
      store_lanes(dweight + k, change, lanes);
      f32x16 own = d * load_lanes(weight + k, lanes);
      store_lanes(dx + k, (own - v * splat(pull)) * splat(inverse), lanes);
    }
  }
}

/// One tile of 16 channels, of which `lanes` exist. Inputs before the first token are zeros.
VK_INLINE void convolution_tile_gradient(
    float *dx, float *dweight, float *dbias, const float *x, const float *weight, f32x16 bias,
    const float *dy, size_t tokens, size_t stride, size_t kernel, size_t lanes) {
  taps taps;
  taps_prepare(&taps, weight, kernel, lanes);
  f32x16 changes[VK_HELD_TAPS] = {0}, bias_change = 0;
  for (size_t t = 0; t < tokens; ++t) store_lanes(dx + t * stride, splat(0), lanes);
  for (size_t t = 0; t < tokens; ++t) {
    size_t first = t + 1 < kernel ? kernel - 1 - t : 0;
    f32x16 sum = bias;
    for (size_t tap = first; tap < kernel; ++tap) {
      size_t place = (t + tap - (kernel - 1)) * stride;
      sum = VK_FMA(tap_at(&taps, tap), load_lanes(x + place, lanes), sum);
    }
    f32x16 d = load_lanes(dy + t * stride, lanes) * silu_slope(sum);
    bias_change += d;
    for (size_t tap = first; tap < kernel; ++tap) {
      size_t place = (t + tap - (kernel - 1)) * stride;
      changes[tap] = VK_FMA(d, load_lanes(x + place, lanes), changes[tap]);
      f32x16 earlier = load_lanes(dx + place, lanes);
      store_lanes(dx + place, VK_FMA(d, tap_at(&taps, tap), earlier), lanes);
    }
  }
  for (size_t lane = 0; lane < lanes; ++lane) {
    if (dbias) dbias[lane] += bias_change[lane];
    for (size_t tap = 0; tap < kernel; ++tap) dweight[lane * kernel + tap] += changes[tap][lane];
  }
}

static void VK(causal_convolution_silu_gradient)(
    float *dx, float *dweight, float *dbias, const float *x, const float *weight, const float *bias,
    const float *dy, size_t tokens, size_t channels, size_t kernel) {
  for (size_t c = 0; c < channels; c += VK_LANES) {
    size_t lanes = channels - c < VK_LANES ? channels - c : VK_LANES;
    f32x16 start = bias ? load_lanes(bias + c, lanes) : splat(0);
    convolution_tile_gradient(
        dx + c, dweight + c * kernel, dbias ? dbias + c : NULL, x + c, weight + c * kernel, start,
        dy + c, tokens, channels, kernel, lanes);
  }
}

/// Runs a tile forward and keeps every state, `[tokens][states][16]`.
VK_INLINE void scan_tile_forward(
    float *y, float *held, const vk_scan *scan, const float *A, f32x16 D, f32x16 bias,
    size_t tokens, size_t channels, size_t states, size_t first, size_t lanes) {
  const float *previous = NULL;
  for (size_t t = 0; t < tokens; ++t, held += states * VK_LANES) {
    f32x16 x = load_lanes(scan->x + t * scan->x_stride + first, lanes);
    f32x16 raw = load_lanes(scan->time_steps + t * scan->time_step_stride + first, lanes);
    f32x16 step = softplus(raw + bias), sum = D * x;
    f32x16 binary = step * splat(VK_BINARY_LOGARITHM_OF_E), stepped = step * x;
    const float *B = scan->B + t * scan->parameter_stride;
    const float *C = scan->C + t * scan->parameter_stride;
    for (size_t n = 0; n < states; ++n) {
      f32x16 before = previous ? load_f32(previous + n * VK_LANES) : splat(0);
      f32x16 decay = power_of_two(binary * load_f32(A + n * VK_LANES));
      f32x16 state = VK_FMA(decay, before, stepped * splat(B[n]));
      store_f32(held + n * VK_LANES, state);
      sum = VK_FMA(splat(C[n]), state, sum);
    }
    store_lanes(y + t * channels + first, sum, lanes);
    previous = held;
  }
}

/// Runs a tile backward over the states that were kept. `carried`, `[states][16]`, is zero at first.
VK_INLINE void scan_tile_backward(
    const vk_scan_gradient *out, float *carried, const float *held, const vk_scan *scan,
    const float *dy, f32x16 D, f32x16 bias, size_t tokens, size_t channels, size_t states,
    size_t first, size_t lanes) {
  const float *A = scan->A + first * states;
  float *dA = out->A + first * states;
  f32x16 dD = 0, dbias = 0;
  for (size_t t = tokens; t-- > 0;) {
    f32x16 x = load_lanes(scan->x + t * scan->x_stride + first, lanes);
    f32x16 raw =
        load_lanes(scan->time_steps + t * scan->time_step_stride + first, lanes) + bias;
    f32x16 d = load_lanes(dy + t * channels + first, lanes);
    f32x16 step = softplus(raw), binary = step * splat(VK_BINARY_LOGARITHM_OF_E);
    f32x16 stepped = step * x, through_input = 0, through_decay = 0;
    const float *B = scan->B + t * scan->parameter_stride;
    const float *C = scan->C + t * scan->parameter_stride;
    float *dB = out->B + t * states, *dC = out->C + t * states;
    const float *state = held + t * states * VK_LANES;
    for (size_t n = 0; n < states; ++n) {
      f32x16 decay_rate = load_f32(A + n * VK_LANES);
      f32x16 decay = power_of_two(binary * decay_rate);
      f32x16 g = VK_FMA(d, splat(C[n]), load_f32(carried + n * VK_LANES));
      f32x16 passed = g * decay;
      dC[n] += sum_lanes(d * load_f32(state + n * VK_LANES));
      dB[n] += sum_lanes(g * stepped);
      through_input = VK_FMA(g, splat(B[n]), through_input);
      if (t > 0) {
        f32x16 decayed = passed * load_f32(state + n * VK_LANES - states * VK_LANES);
        through_decay = VK_FMA(decayed, decay_rate, through_decay);
        store_f32(dA + n * VK_LANES, VK_FMA(decayed, step, load_f32(dA + n * VK_LANES)));
      }
      store_f32(carried + n * VK_LANES, passed);
    }
    f32x16 dstep = VK_FMA(through_input, x, through_decay) * sigmoid(raw);
    store_lanes(out->time_steps + t * channels + first, dstep, lanes);
    store_lanes(out->x + t * channels + first, VK_FMA(through_input, step, d * D), lanes);
    dD = VK_FMA(d, x, dD);
    dbias += dstep;
  }
  store_lanes(out->D + first, load_lanes(out->D + first, lanes) + dD, lanes);
  f32x16 old_bias = load_lanes(out->time_step_bias + first, lanes);
  store_lanes(out->time_step_bias + first, old_bias + dbias, lanes);
}

static void VK(selective_scan_gradient)(
    const vk_scan_gradient *out, float *scratch, const vk_scan *scan, const float *dy,
    size_t tokens, size_t channels, size_t states) {
  float *carried = scratch + tokens * states * VK_LANES;
  for (size_t first = 0; first < channels; first += VK_LANES) {
    size_t lanes = channels - first < VK_LANES ? channels - first : VK_LANES;
    f32x16 D = load_lanes(scan->D + first, lanes);
    f32x16 bias = load_lanes(scan->time_step_bias + first, lanes);
    scan_tile_forward(
        out->y, scratch, scan, scan->A + first * states, D, bias, tokens, channels, states, first,
        lanes);
    memset(carried, 0, states * VK_LANES * sizeof *carried);
    scan_tile_backward(
        out, carried, scratch, scan, dy, D, bias, tokens, channels, states, first, lanes);
  }
}

static double VK(divergence_gradient)(
    float *dlogits, const float *model, const float *reference, float weight, size_t count) {
  f64x16 sums = 0;
  for (size_t k = 0; k < count; k += VK_LANES) {
    size_t lanes = count - k < VK_LANES ? count - k : VK_LANES;
    f32x16 log_p = load_lanes(reference + k, lanes), log_q = load_lanes(model + k, lanes);
    f32x16 p = exponential(log_p);
    f32x16 term = choose(p > splat(0), p * (log_p - log_q), splat(0));
    sums += __builtin_convertvector(term, f64x16);
    store_lanes(dlogits + k, (exponential(log_q) - p) * splat(weight), lanes);
  }
  double sum = 0;
  for (int lane = 0; lane < VK_LANES; ++lane) sum += sums[lane];
  return sum;
}

/// The end of the group of columns that `start` lies in.
VK_INLINE size_t group_end(size_t start, size_t group_size, size_t columns) {
  return columns - start < group_size ? columns : start + group_size;
}

static void VK(apply_factors)(
    float *out, const float *w, const float *factors, const float *column_factors, size_t rows,
    size_t columns, size_t group_size) {
  for (size_t r = 0; r < rows; ++r, w += columns, out += columns) {
    for (size_t start = 0; start < columns; start = group_end(start, group_size, columns)) {
      f32x16 factor = splat(*factors++);
      size_t end = group_end(start, group_size, columns);
      for (size_t k = start; k < end; k += VK_LANES) {
        size_t lanes = end - k < VK_LANES ? end - k : VK_LANES;
        f32x16 v = load_lanes(w + k, lanes) * factor;
        if (column_factors) v *= load_lanes(column_factors + k, lanes);
        store_lanes(out + k, v, lanes);
      }
    }
  }
}

static void VK(factor_gradient)(
    float *dfactors, float *dcolumn_factors, const float *dw, const float *w, const float *factors,
    const float *column_factors, size_t rows, size_t columns, size_t group_size) {
  for (size_t r = 0; r < rows; ++r, w += columns, dw += columns) {
    for (size_t start = 0; start < columns; start = group_end(start, group_size, columns)) {
      f32x16 factor = splat(*factors++), sums = 0;
      size_t end = group_end(start, group_size, columns);
      for (size_t k = start; k < end; k += VK_LANES) {
        size_t lanes = end - k < VK_LANES ? end - k : VK_LANES;
        f32x16 v = load_lanes(dw + k, lanes) * load_lanes(w + k, lanes);
        if (!column_factors) {
          sums += v;
          continue;
        }
        sums = VK_FMA(v, load_lanes(column_factors + k, lanes), sums);
        f32x16 old = load_lanes(dcolumn_factors + k, lanes);
        store_lanes(dcolumn_factors + k, VK_FMA(v, factor, old), lanes);
      }
      *dfactors++ += sum_lanes(sums);
    }
  }
}
