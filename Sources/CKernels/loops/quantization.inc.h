// Quantizers. Only operations that IEEE 754 defines to the bit, never a fused multiply-add, sums in
// one order: the codes are the same on every machine.

VK_INLINE float largest_magnitude(const float *w, size_t count) {
  f32x16 largest = 0;
  size_t k = 0;
  for (; k + VK_LANES <= count; k += VK_LANES) {
    f32x16 magnitude = absolute(load_f32(w + k));
    largest = choose(magnitude > largest, magnitude, largest);
  }
  if (k < count) {
    f32x16 magnitude = absolute(load_some_f32(w + k, count - k));
    largest = choose(magnitude > largest, magnitude, largest);
  }
  return largest_lane(largest);
}

enum { VK_LARGEST_HALF = 0x7bff };

/// The half nearest to a value that is not negative, at most the largest finite one.
VK_INLINE uint16_t finite_half(float value) {
  uint16_t half = narrow_one_half(value);
  return half > VK_LARGEST_HALF ? VK_LARGEST_HALF : half;
}

VK_INLINE uint16_t q8_scale(float largest, int largest_code) {
  uint16_t half = finite_half(largest / (float)largest_code);
  float scale = widen_one_half(half);
  int too_small = half != 0 && largest / scale > (float)largest_code + 0.5f;
  return too_small && half < VK_LARGEST_HALF ? (uint16_t)(half + 1) : half;
}

VK_INLINE i8x16 q8_codes(f32x16 w, float scale, float limit) {
  return __builtin_convertvector(round_small(clamp(w / splat(scale), -limit, limit)), i8x16);
}

static void VK(q8_quantize)(
    int8_t *codes, uint16_t *scales, const float *w, size_t rows, size_t columns, size_t group_size,
    int largest_code) {
  const float limit = (float)largest_code;
  for (size_t r = 0; r < rows; ++r, w += columns, codes += columns) {
    for (size_t start = 0; start < columns;) {
      size_t length = columns - start < group_size ? columns - start : group_size;
      const float *group = w + start;
      int8_t *group_codes = codes + start;
      uint16_t half = q8_scale(largest_magnitude(group, length), largest_code);
      float scale = widen_one_half(half);
      *scales++ = half;
      start += length;
      if (half == 0) {
        memset(group_codes, 0, length);
        continue;
      }
      size_t k = 0;
      for (; k + VK_LANES <= length; k += VK_LANES) {
        i8x16 v = q8_codes(load_f32(group + k), scale, limit);
        memcpy(group_codes + k, &v, sizeof v);
      }
      if (k < length) {
        i8x16 v = q8_codes(load_some_f32(group + k, length - k), scale, limit);
        memcpy(group_codes + k, &v, length - k);
      }
    }
  }
}

VK_INLINE double sum_of_squares(const float *w, size_t count) {
  f64x16 sums = 0;
  for (size_t k = 0; k < count; k += VK_LANES) {
    f32x16 v = count - k < VK_LANES ? load_some_f32(w + k, count - k) : load_f32(w + k);
    f64x16 wide = __builtin_convertvector(v, f64x16);
    sums += wide * wide;
  }
  double sum = 0;
  for (int lane = 0; lane < VK_LANES; ++lane) sum += sums[lane];
  return sum;
}

/// Rounds a half to five significant bits, none if it is subnormal. What is left of a scale takes
/// little room when it is compressed, and a step that is 3 % larger or smaller is as good.
VK_INLINE uint16_t coarse_half(uint16_t half) {
  if (half < 0x400) return half;
  uint16_t coarse = (uint16_t)((half + 0x1f + (half >> 6 & 1)) & ~0x3f);
  return coarse > VK_LARGEST_HALF ? VK_LARGEST_HALF : coarse;
}

static void VK(coarse_halves)(uint16_t *out, const float *in, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = coarse_half(finite_half(in[i]));
}

/// The scale of a row whose codes are about `target` apart.
VK_INLINE uint16_t e_scale(float target, float largest) {
  uint16_t half = coarse_half(finite_half(target));
  return largest / widen_one_half(half) > 127.5f ? q8_scale(largest, 127) : half;
}

static void VK(e_quantize)(
    int8_t *codes, uint16_t *scales, const float *w, size_t rows, size_t columns, float step) {
  for (size_t r = 0; r < rows; ++r, w += columns, codes += columns) {
    float mean = columns ? (float)(sum_of_squares(w, columns) / (double)columns) : 0;
    float deviation = __builtin_elementwise_sqrt(splat(mean)).x;
    scales[r] = e_scale(step * deviation, largest_magnitude(w, columns));
    if (scales[r] == 0) {
      memset(codes, 0, columns);
      continue;
    }
    float scale = widen_one_half(scales[r]);
    for (size_t k = 0; k < columns; k += VK_LANES) {
      size_t lanes = columns - k < VK_LANES ? columns - k : VK_LANES;
      i8x16 v = q8_codes(lanes < VK_LANES ? load_some_f32(w + k, lanes) : load_f32(w + k), scale, 127);
      memcpy(codes + k, &v, lanes);
    }
  }
}

// Codes that the largest weight of a group would get without limits, as shares of the largest code.
#define Q8_SHARE(i) ((float)(0.96 + 0.016 * (i)))
static const float VK(q8_shares)[VK_LANES] = {
    Q8_SHARE(0),  Q8_SHARE(1),  Q8_SHARE(2),  Q8_SHARE(3),  Q8_SHARE(4),  Q8_SHARE(5),
    Q8_SHARE(6),  Q8_SHARE(7),  Q8_SHARE(8),  Q8_SHARE(9),  Q8_SHARE(10), Q8_SHARE(11),
    Q8_SHARE(12), Q8_SHARE(13), Q8_SHARE(14), Q8_SHARE(15)};

/// The scale of one group: that of the coding with the least weighted error, see `q4_search`. Lanes are
/// candidates.
VK_INLINE uint16_t q8_searched_scale(
    const float *group, const float *importance, size_t length, int largest_code) {
  float largest = largest_magnitude(group, length), limit = (float)largest_code;
  if (largest == 0) return 0;
  f32x16 inverse = load_f32(VK(q8_shares)) * splat(limit / largest), a = 0, b = 0;
  for (size_t k = 0; k < length; ++k) {
    float weight = !importance ? 1 : importance[k] > 0 ? importance[k] : 0;
    f32x16 code = round_small(clamp(splat(group[k]) * inverse, -limit, limit));
    a += splat(weight * group[k]) * code;
    b += splat(weight) * code * code;
  }
  f32x16 fitted = a / b;
  float scales[VK_LANES], gains[VK_LANES], scale = 0, gain = 0;
  store_f32(scales, fitted);
  store_f32(gains, fitted * a);
  for (int lane = 0; lane < VK_LANES; ++lane) {
    if (gains[lane] > gain && scales[lane] <= __FLT_MAX__) {
      gain = gains[lane];
      scale = scales[lane];
    }
  }
  return gain > 0 ? finite_half(scale) : q8_scale(largest, largest_code);
}

static void VK(q8_scales)(
    uint16_t *scales, const float *w, const float *importance, size_t rows, size_t columns,
    size_t group_size, int largest_code) {
  for (size_t r = 0; r < rows; ++r, w += columns) {
    for (size_t k = 0; k < columns; k += group_size) {
      size_t length = columns - k < group_size ? columns - k : group_size;
      *scales++ = q8_searched_scale(
          w + k, importance ? importance + k : NULL, length, largest_code);
    }
  }
}

enum { Q4_CANDIDATES = 80, Q4_VECTORS = Q4_CANDIDATES / VK_LANES, Q4_LARGEST_SUB_SCALE = 31 };

// Reciprocal steps to try, for weights divided by the largest: 40 points over 0.62 * 8 ... 9, with
// both signs because the codes reach to -8 but only to 7.
#define Q4_POINT(i) ((float)(4.96 + (i) * (4.04 / 39)))
#define Q4_POINTS(s, i) s Q4_POINT(i), s Q4_POINT(i + 1), s Q4_POINT(i + 2), s Q4_POINT(i + 3)
#define Q4_ALL_POINTS(s) \
  Q4_POINTS(s, 0), Q4_POINTS(s, 4), Q4_POINTS(s, 8), Q4_POINTS(s, 12), Q4_POINTS(s, 16), \
      Q4_POINTS(s, 20), Q4_POINTS(s, 24), Q4_POINTS(s, 28), Q4_POINTS(s, 32), Q4_POINTS(s, 36)
static const float VK(q4_candidates)[Q4_CANDIDATES] = {Q4_ALL_POINTS(+), Q4_ALL_POINTS(-)};

/// A super-block as 16 groups of 16, padded with zeros; the largest importance in it is 1, or all
/// are.
typedef struct q4_block {
  float values[VK_GROUPS][VK_GROUP];
  float importance[VK_GROUPS][VK_GROUP];
  int is_uniform;
} q4_block;

VK_INLINE void q4_gather(q4_block *block, const float *w, const float *importance, size_t columns) {
  memset(block, 0, sizeof *block);
  memcpy(block->values, w, columns * sizeof *w);
  float *weights = &block->importance[0][0], largest = 0;
  for (size_t k = 0; importance && k < columns; ++k) {
    weights[k] = importance[k] > 0 ? importance[k] : 0;
    if (weights[k] > largest) largest = weights[k];
  }
  int usable = largest > 0 && largest <= __FLT_MAX__;
  for (size_t k = 0; k < columns; ++k) weights[k] = usable ? weights[k] / largest : 1;
  block->is_uniform = !usable;
}

VK_INLINE f32x16 q4_round(f32x16 v) { return round_small(clamp(v, -8, 7)); }

/// Adds a weight to the sums of all candidates.
VK_INLINE void q4_add_weight(
    f32x16 *a, f32x16 *b, const f32x16 *points, float ratio, float importance) {
  f32x16 w = splat(ratio), weight = splat(importance), weighted = splat(importance * ratio);
  VK_UNROLL for (int v = 0; v < Q4_VECTORS; ++v) {
    f32x16 code = q4_round(points[v] * w);
    a[v] += weighted * code;
    b[v] += weight * code * code;
  }
}

/// The same for importance 1. Squares of codes and their sums are whole numbers, so fusing them
/// changes nothing.
VK_INLINE void q4_add_plain_weight(f32x16 *a, f32x16 *b, const f32x16 *points, float ratio) {
  f32x16 w = splat(ratio);
  VK_UNROLL for (int v = 0; v < Q4_VECTORS; ++v) {
    f32x16 code = q4_round(points[v] * w);
    a[v] += w * code;
    b[v] = VK_FMA(code, code, b[v]);
  }
}

/// The least-squares step of the best of 80 codings, in units of the largest weight.
///
/// With a = sum of importance * w * c and b = sum of importance * c * c, a coding leaves the error
/// sum of importance * w * w - a * a / b at the step a / b. Lanes are candidates. Not above -1 if
/// nothing has importance. Without importances all are 1.
VK_INLINE float q4_search(const float *ratio, const float *importance, float *step) {
  f32x16 points[Q4_VECTORS], a[Q4_VECTORS] = {0}, b[Q4_VECTORS] = {0};
  VK_UNROLL for (int v = 0; v < Q4_VECTORS; ++v) {
    points[v] = load_f32(VK(q4_candidates) + v * VK_LANES);
  }
  for (int i = 0; i < VK_GROUP; ++i) {
    if (importance) {
      q4_add_weight(a, b, points, ratio[i], importance[i]);
    } else {
      q4_add_plain_weight(a, b, points, ratio[i]);
    }
  }
  f32x16 best = splat(-1), steps = 0;
  VK_UNROLL for (int v = 0; v < Q4_VECTORS; ++v) {
    f32x16 fitted = a[v] / b[v], gain = fitted * a[v];
    i32x16 better = gain > best;
    best = choose(better, gain, best);
    steps = choose(better, fitted, steps);
  }
  float gains[VK_LANES], fits[VK_LANES], gain = -1;
  store_f32(gains, best);
  store_f32(fits, steps);
  for (int lane = 0; lane < VK_LANES; ++lane) {
    if (gains[lane] > gain) {
      gain = gains[lane];
      *step = fits[lane];
    }
  }
  return gain;
}

/// The step of one group, zero if all its weights are. Without importances all are 1.
VK_INLINE float q4_group_step(const float *values, const float *importance) {
  float largest = 0;
  for (int i = 0; i < VK_GROUP; ++i) {
    if (__builtin_fabsf(values[i]) > __builtin_fabsf(largest)) largest = values[i];
  }
  if (largest == 0) return 0;
  float ratio[VK_GROUP], step = 0;
  store_f32(ratio, load_f32(values) / splat(largest));
  if (!importance) {
    q4_search(ratio, NULL, &step);
  } else if (!(q4_search(ratio, importance, &step) > -1)) {
    q4_search(ratio, NULL, &step);
  }
  return largest * step;
}

/// What a super-scale leads to. Errors are in units of its square; `codes` is `[weight of a
/// group][group]`.
typedef struct q4_fit {
  uint16_t half;
  float scale, error, refitted;
  f32x16 sub_scales;
  f32x16 codes[VK_GROUP];
} q4_fit;

/// The transposed block: lanes are groups. `empty` marks the groups of zeros.
typedef struct q4_lanes {
  f32x16 values[VK_GROUP], importance[VK_GROUP];
  i32x16 empty;
} q4_lanes;

VK_INLINE void q4_transpose(q4_lanes *lanes, const q4_block *block) {
  float values[VK_GROUP][VK_GROUPS], importance[VK_GROUP][VK_GROUPS];
  for (int group = 0; group < VK_GROUPS; ++group) {
    for (int i = 0; i < VK_GROUP; ++i) {
      values[i][group] = block->values[group][i];
      importance[i][group] = block->importance[group][i];
    }
  }
  memcpy(lanes->values, values, sizeof values);
  memcpy(lanes->importance, importance, sizeof importance);
  lanes->empty = -1;
  for (int i = 0; i < VK_GROUP; ++i) lanes->empty &= lanes->values[i] == 0;
}

/// Chooses each group's sub-scale among the nearest to its step and both neighbours, and the codes
/// for it.
VK_INLINE void q4_fit_scale(q4_fit *fit, uint16_t half, const q4_lanes *lanes, f32x16 steps) {
  const float limit = Q4_LARGEST_SUB_SCALE;
  fit->half = half;
  fit->scale = widen_one_half(half);
  f32x16 scaled[VK_GROUP];
  for (int i = 0; i < VK_GROUP; ++i) scaled[i] = lanes->values[i] / splat(fit->scale);
  f32x16 nearest = round_small(clamp(steps / splat(fit->scale), -limit, limit));
  nearest = choose(nearest == 0, splat(1), nearest);
  f32x16 chosen = nearest, least = splat(__builtin_inff());
  const float neighbours[3] = {0, -1, 1};
  for (int n = 0; n < 3; ++n) {
    f32x16 sub = nearest + splat(neighbours[n]);
    i32x16 allowed = (sub != 0) & (absolute(sub) <= limit);
    sub = choose(allowed, sub, splat(1));
    f32x16 inverse = splat(1) / sub, error = 0;
    for (int i = 0; i < VK_GROUP; ++i) {
      f32x16 difference = scaled[i] - sub * q4_round(scaled[i] * inverse);
      error += lanes->importance[i] * difference * difference;
    }
    i32x16 better = allowed & (error < least);
    chosen = choose(better, sub, chosen);
    least = choose(better, error, least);
  }
  f32x16 inverse = splat(1) / chosen, a = 0, b = 0;
  for (int i = 0; i < VK_GROUP; ++i) {
    f32x16 code = q4_round(scaled[i] * inverse);
    fit->codes[i] = code;
    a += lanes->importance[i] * scaled[i] * code;
    b += lanes->importance[i] * code * code;
  }
  fit->sub_scales = choose(lanes->empty, splat(0), chosen);
  fit->error = sum_lanes(least);
  fit->refitted = fit->scale * (sum_lanes(chosen * a) / sum_lanes(chosen * chosen * b));
}

VK_INLINE void q4_write(
    uint8_t *codes, int8_t *sub_scales, uint16_t *super_scale, const q4_fit *fit, size_t columns) {
  i8x16 subs = __builtin_convertvector(fit->sub_scales, i8x16);
  memcpy(sub_scales, &subs, (columns + VK_GROUP - 1) / VK_GROUP);
  *super_scale = fit->half;
  uint8_t nibbles[VK_GROUP][VK_GROUPS];
  for (int i = 0; i < VK_GROUP; ++i) {
    u8x16 nibble = __builtin_convertvector(fit->codes[i] + splat(8), u8x16);
    memcpy(nibbles[i], &nibble, sizeof nibble);
  }
  for (size_t byte = 0; byte < (columns + 1) / 2; ++byte) {
    size_t group = byte / (VK_GROUP / 2), i = byte % (VK_GROUP / 2) * 2;
    codes[byte] = (uint8_t)(nibbles[i][group] | nibbles[i + 1][group] << 4);
  }
}

VK_INLINE void q4_quantize_block(
    uint8_t *codes, int8_t *sub_scales, uint16_t *super_scale, const float *w,
    const float *importance, size_t columns) {
  q4_block block;
  q4_gather(&block, w, importance, columns);
  size_t groups = (columns + VK_GROUP - 1) / VK_GROUP;
  float steps[VK_GROUPS] = {0};
  for (size_t group = 0; group < groups; ++group) {
    const float *weights = block.is_uniform ? NULL : block.importance[group];
    steps[group] = q4_group_step(block.values[group], weights);
  }
  uint16_t half = finite_half(largest_magnitude(steps, VK_GROUPS) / Q4_LARGEST_SUB_SCALE);
  if (half == 0) {
    memset(codes, 0x88, (columns + 1) / 2);
    memset(sub_scales, 0, groups);
    *super_scale = 0;
    return;
  }
  q4_lanes lanes;
  q4_transpose(&lanes, &block);
  q4_fit first, second;
  q4_fit_scale(&first, half, &lanes, load_f32(steps));
  const q4_fit *best = &first;
  if (first.refitted > 0 && first.refitted <= __FLT_MAX__) {
    half = finite_half(first.refitted);
    if (half != 0 && half != first.half) {
      q4_fit_scale(&second, half, &lanes, load_f32(steps));
      float ratio = second.scale / first.scale;
      if (second.error * ratio * ratio < first.error) best = &second;
    }
  }
  q4_write(codes, sub_scales, super_scale, best, columns);
}

static void VK(q4_quantize)(
    uint8_t *codes, int8_t *sub_scales, uint16_t *super_scales, const float *w,
    const float *importance, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; ++r) {
    for (size_t k = 0; k < columns; k += VK_SUPER_BLOCK) {
      size_t length = columns - k < VK_SUPER_BLOCK ? columns - k : VK_SUPER_BLOCK;
      q4_quantize_block(
          codes, sub_scales, super_scales, w + k, importance ? importance + k : NULL, length);
      codes += (length + 1) / 2;
      sub_scales += (length + VK_GROUP - 1) / VK_GROUP;
      super_scales += 1;
    }
    w += columns;
  }
}
