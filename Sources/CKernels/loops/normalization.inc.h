// Norms and softmax over rows.

VK_INLINE float square_root(float value) { return __builtin_elementwise_sqrt(splat(value)).x; }

/// Sum over a row of `term`, an expression in the vector `v`; what lies past the end must count as
/// zero.
#define VK_SUM_ROW(sum, row, columns, term, last_term) \
  do { \
    f32x16 sums = 0; \
    size_t k = 0; \
    for (; k + VK_LANES <= columns; k += VK_LANES) { \
      f32x16 v = load_f32(row + k); \
      sums = term; \
    } \
    if (k < columns) { \
      f32x16 v = load_some_f32(row + k, columns - k); \
      sums = last_term; \
    } \
    sum = sum_lanes(sums); \
  } while (0)

static void VK(rms_normalize)(
    float *out, const float *x, const float *weight, float epsilon, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; ++r, x += columns, out += columns) {
    float sum;
    VK_SUM_ROW(sum, x, columns, VK_FMA(v, v, sums), VK_FMA(v, v, sums));
    f32x16 scale = splat(1 / square_root(sum / (float)columns + epsilon));
    size_t k = 0;
    for (; k + VK_LANES <= columns; k += VK_LANES) {
      store_f32(out + k, load_f32(x + k) * scale * load_f32(weight + k));
    }
    if (k < columns) {
      size_t rest = columns - k;
      f32x16 v = load_some_f32(x + k, rest) * scale * load_some_f32(weight + k, rest);
      store_some_f32(out + k, v, rest);
    }
  }
}

/// All ones in the first lanes, zero in the others.
VK_INLINE i32x16 first_lanes(size_t lanes) {
  const i32x16 index = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return index < (int32_t)lanes;
}

static void VK(layer_normalize)(
    float *out, const float *x, const float *weight, const float *bias, float epsilon, size_t rows,
    size_t columns) {
  for (size_t r = 0; r < rows; ++r, x += columns, out += columns) {
    float sum, squares;
    VK_SUM_ROW(sum, x, columns, sums + v, sums + v);
    f32x16 mean = splat(sum / (float)columns);
    VK_SUM_ROW(
        squares, x, columns, VK_FMA(v - mean, v - mean, sums),
        choose(first_lanes(columns - k), VK_FMA(v - mean, v - mean, sums), sums));
    f32x16 scale = splat(1 / square_root(squares / (float)columns + epsilon));
    size_t k = 0;
    for (; k + VK_LANES <= columns; k += VK_LANES) {
      f32x16 v = (load_f32(x + k) - mean) * scale;
      store_f32(out + k, VK_FMA(v, load_f32(weight + k), load_f32(bias + k)));
    }
    if (k < columns) {
      size_t rest = columns - k;
      f32x16 v = (load_some_f32(x + k, rest) - mean) * scale;
      v = VK_FMA(v, load_some_f32(weight + k, rest), load_some_f32(bias + k, rest));
      store_some_f32(out + k, v, rest);
    }
  }
}

/// The largest scale * x of a row that is not empty.
VK_INLINE float largest_scaled(const float *row, float scale, size_t columns) {
  f32x16 largest = splat(-__builtin_inff());
  size_t k = 0;
  for (; k + VK_LANES <= columns; k += VK_LANES) {
    f32x16 v = load_f32(row + k) * splat(scale);
    largest = choose(v > largest, v, largest);
  }
  if (k < columns) {
    f32x16 v = load_some_f32(row + k, columns - k) * splat(scale);
    largest = choose(first_lanes(columns - k) & (v > largest), v, largest);
  }
  return largest_lane(largest);
}

static void VK(softmax_rows)(float *x, float scale, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; ++r, x += columns) {
    f32x16 largest = splat(largest_scaled(x, scale, columns)), sums = 0;
    size_t k = 0;
    for (; k + VK_LANES <= columns; k += VK_LANES) {
      f32x16 v = exponential(load_f32(x + k) * splat(scale) - largest);
      store_f32(x + k, v);
      sums += v;
    }
    if (k < columns) {
      f32x16 v = exponential(load_some_f32(x + k, columns - k) * splat(scale) - largest);
      store_some_f32(x + k, v, columns - k);
      sums += choose(first_lanes(columns - k), v, splat(0));
    }
    f32x16 inverse = splat(1 / sum_lanes(sums));
    for (k = 0; k + VK_LANES <= columns; k += VK_LANES) store_f32(x + k, load_f32(x + k) * inverse);
    if (k < columns) {
      store_some_f32(x + k, load_some_f32(x + k, columns - k) * inverse, columns - k);
    }
  }
}

VK_INLINE f32x16 less_in_double(f32x16 v, double subtrahend) {
  return __builtin_convertvector(
      __builtin_convertvector(v, f64x16) - (f64x16)subtrahend, f32x16);
}

static void VK(log_softmax_rows)(float *out, const float *x, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; ++r, x += columns, out += columns) {
    float largest = largest_scaled(x, 1, columns);
    f64x16 sums = 0;
    size_t k = 0;
    for (; k + VK_LANES <= columns; k += VK_LANES) {
      sums += __builtin_convertvector(exponential(load_f32(x + k) - splat(largest)), f64x16);
    }
    if (k < columns) {
      f32x16 v = exponential(load_some_f32(x + k, columns - k) - splat(largest));
      sums += __builtin_convertvector(choose(first_lanes(columns - k), v, splat(0)), f64x16);
    }
    f64x8 eight = sums.lo + sums.hi;
    double sum = ((eight.s0 + eight.s4) + (eight.s2 + eight.s6))
                 + ((eight.s1 + eight.s5) + (eight.s3 + eight.s7));
    double shift = (double)largest + logarithm(sum);
    if (sum != sum) shift = sum;
    for (k = 0; k + VK_LANES <= columns; k += VK_LANES) {
      store_f32(out + k, less_in_double(load_f32(x + k), shift));
    }
    if (k < columns) {
      f32x16 v = less_in_double(load_some_f32(x + k, columns - k), shift);
      store_some_f32(out + k, v, columns - k);
    }
  }
}
