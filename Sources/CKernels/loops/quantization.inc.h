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

enum { Q4_STEPS = 32, Q4_VECTORS = Q4_STEPS / VK_LANES, Q4_LARGEST_SUB_SCALE = 31 };

// Reciprocal steps to try, for weights divided by the largest magnitude: over 0.62 * 8 ... 9.
#define Q4_POINT(i) ((float)(4.96 + (i) * (4.04 / (Q4_STEPS - 1))))
#define Q4_POINTS(i) Q4_POINT(i), Q4_POINT(i + 1), Q4_POINT(i + 2), Q4_POINT(i + 3)
static const float VK(q4_points)[Q4_STEPS] = {
    Q4_POINTS(0),  Q4_POINTS(4),  Q4_POINTS(8),  Q4_POINTS(12), Q4_POINTS(16), Q4_POINTS(20),
    Q4_POINTS(24), Q4_POINTS(28)};

/// A super-block as 16 groups of 16, padded with zeros. The largest importance in it is 1, unless the
/// block is uniform: then all are, and the array says nothing.
typedef struct q4_block {
  float values[VK_GROUPS][VK_GROUP];
  float importance[VK_GROUPS][VK_GROUP];
  int is_uniform;
} q4_block;

VK_INLINE void q4_gather(q4_block *block, const float *w, const float *importance, size_t columns) {
  if (columns < VK_SUPER_BLOCK) memset(block->values, 0, sizeof block->values);
  memcpy(block->values, w, columns * sizeof *w);
  block->is_uniform = 1;
  if (!importance) return;
  float *weights = &block->importance[0][0], largest = 0;
  memset(weights, 0, sizeof block->importance);
  for (size_t k = 0; k < columns; ++k) {
    weights[k] = importance[k] > 0 ? importance[k] : 0;
    if (weights[k] > largest) largest = weights[k];
  }
  block->is_uniform = !(largest > 0 && largest <= __FLT_MAX__);
  for (size_t k = 0; k < columns; ++k) weights[k] /= largest;
}

VK_INLINE f32x16 q4_round(f32x16 v) { return round_small(clamp(v, -8, 7)); }

/// A group in units of its largest magnitude. Only weights near that have codes that depend on the sign
/// of the step, for codes reach to -8 but only to 7.
typedef struct q4_group {
  float small[VK_GROUP];  ///< 0 in place of large weights
  float large[VK_GROUP];
  float large_importance[VK_GROUP];
  int large_count;
} q4_group;

VK_INLINE void q4_divide(
    q4_group *group, const float *values, const float *importance, float largest) {
  // The finest step is a ninth: 9 * 0.83 rounds to 7.
  const f32x16 ratios = load_f32(values) / splat(largest);
  const i32x16 is_large = absolute(ratios) > splat(0.83f);
  store_f32(group->small, choose(is_large, splat(0), ratios));
  float ratio[VK_GROUP];
  store_f32(ratio, ratios);
  int count = 0;
  for (unsigned rest = lane_bits(is_large); rest != 0; rest &= rest - 1) {
    const int i = __builtin_ctz(rest);
    group->large[count] = ratio[i];
    group->large_importance[count++] = importance ? importance[i] : 1;
  }
  group->large_count = count;
}

/// With a = sum of importance * w * c and b = sum of importance * c * c, a coding leaves the error
/// sum of importance * w * w - a * a / b at the step a / b. Lanes are steps.
typedef struct q4_sums {
  f32x16 a, b;
} q4_sums;

/// Adds a weight; without importance that is 1. Squares of codes and their sums are whole numbers, so
/// fusing them changes nothing.
VK_INLINE void q4_add(q4_sums *sums, float ratio, f32x16 code, const float *importance) {
  if (importance) {
    sums->a += splat(*importance * ratio) * code;
    sums->b += splat(*importance) * code * code;
  } else {
    sums->a += splat(ratio) * code;
    sums->b = VK_FMA(code, code, sums->b);
  }
}

VK_INLINE void q4_take_better(q4_sums *best, f32x16 a, f32x16 b) {
  const i32x16 better = a * a * best->b > best->a * best->a * b;
  best->a = choose(better, a, best->a);
  best->b = choose(better, b, best->b);
}

/// The least-squares step of the best of 64 codings, by the largest magnitude; 0 if nothing has
/// importance. Without importances all are 1.
VK_INLINE float q4_search(const q4_group *group, const float *importance) {
  q4_sums best = {splat(0), splat(1)};
  VK_UNROLL for (int v = 0; v < Q4_VECTORS; ++v) {
    const f32x16 points = load_f32(VK(q4_points) + v * VK_LANES);
    q4_sums plus = {splat(0), splat(0)};
    VK_UNROLL for (int i = 0; i < VK_GROUP; ++i) {
      const f32x16 code = round_small(points * splat(group->small[i]));
      q4_add(&plus, group->small[i], code, importance ? importance + i : NULL);
    }
    // A negative step negates codes, but for those of large weights.
    q4_sums minus = plus;
    for (int i = 0; i < group->large_count; ++i) {
      const float *weight = importance ? group->large_importance + i : NULL;
      const f32x16 code = round_small(points * splat(group->large[i]));
      q4_add(&plus, group->large[i], clamp(code, -8, 7), weight);
      q4_add(&minus, group->large[i], clamp(code, -7, 8), weight);
    }
    q4_take_better(&best, plus.a, plus.b);
    q4_take_better(&best, -minus.a, minus.b);
  }
  const f32x16 fitted = best.a / best.b, gains = fitted * best.a;
  float steps[VK_LANES];
  store_f32(steps, fitted);
  return steps[__builtin_ctz(lane_bits(gains == splat(largest_lane(gains))))];
}

/// The step of one group, zero if all its weights are. Without importances all are 1.
VK_INLINE float q4_group_step(const float *values, const float *importance) {
  const float largest = largest_magnitude(values, VK_GROUP);
  if (largest == 0) return 0;
  q4_group group;
  q4_divide(&group, values, importance, largest);
  const float step = importance ? q4_search(&group, importance) : 0;
  return largest * (step != 0 ? step : q4_search(&group, NULL));
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

VK_INLINE void q4_transpose_groups(f32x16 *out, const float in[VK_GROUPS][VK_GROUP]) {
  float turned[VK_GROUP][VK_GROUPS];
  for (int group = 0; group < VK_GROUPS; ++group) {
    for (int i = 0; i < VK_GROUP; ++i) turned[i][group] = in[group][i];
  }
  memcpy(out, turned, sizeof turned);
}

VK_INLINE void q4_transpose(q4_lanes *lanes, const q4_block *block) {
  q4_transpose_groups(lanes->values, block->values);
  if (!block->is_uniform) q4_transpose_groups(lanes->importance, block->importance);
  lanes->empty = -1;
  for (int i = 0; i < VK_GROUP; ++i) {
    if (block->is_uniform) lanes->importance[i] = splat(1);
    lanes->empty &= lanes->values[i] == 0;
  }
}

/// Chooses each group's sub-scale among the nearest to its step and both neighbours, and the codes
/// for it.
VK_INLINE void q4_fit_scale(q4_fit *fit, uint16_t half, const q4_lanes *lanes, f32x16 steps) {
  const float limit = Q4_LARGEST_SUB_SCALE;
  fit->half = half;
  fit->scale = widen_one_half(half);
  const f32x16 reciprocal = splat(1 / fit->scale);
  f32x16 scaled[VK_GROUP];
  for (int i = 0; i < VK_GROUP; ++i) scaled[i] = lanes->values[i] * reciprocal;
  f32x16 nearest = round_small(clamp(steps * reciprocal, -limit, limit));
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
  uint8_t pairs[VK_GROUP / 2][VK_GROUPS];
  for (int i = 0; i < VK_GROUP; i += 2) {
    f32x16 pair = fit->codes[i] + splat(8) + (fit->codes[i + 1] + splat(8)) * splat(16);
    u8x16 bytes = __builtin_convertvector(pair, u8x16);
    memcpy(pairs[i / 2], &bytes, sizeof bytes);
  }
  for (size_t byte = 0; byte < (columns + 1) / 2; ++byte) {
    codes[byte] = pairs[byte % (VK_GROUP / 2)][byte / (VK_GROUP / 2)];
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
