// Exponential, logarithm and what is made of them, on 16 lanes. The polynomials are Chebyshev fits
// in double precision, rounded; their own errors are below 2e-8 and the rest is rounding.

#define VK_POLYNOMIAL_STEP(sum, x, coefficient) VK_FMA(sum, x, splat(coefficient))

/// The most vectors that `powers_of_two` takes.
enum { VK_POWERS_AT_ONCE = 2 };

/// log2(e), by which an exponential becomes a power of two.
#define VK_BINARY_LOGARITHM_OF_E 0x1.715476p0f

/// 2^n * v with one rounding for n a whole number in -150...129.
#ifdef VK_SCALE
#define scale_by_power VK_SCALE
#else
VK_INLINE f32x16 scale_by_power(f32x16 v, f32x16 n) {
  i32x16 power = (i32x16)bits_of(n + splat(0x1.8p23f)) - 0x4b400000;
  i32x16 half = power >> 1, rest = power - half;
  f32x16 first = (f32x16)((half + 127) << 23);
  f32x16 second = (f32x16)((rest + 127) << 23);
  return v * first * second;
}
#endif

/// exp(x) to a relative error of 2e-7; below -104 it is 0, above 88.8 infinite. Subnormal results
/// are rounded once.
VK_INLINE f32x16 exponential(f32x16 x) {
  x = choose(x < splat(-105), splat(-105), x);  // keeps not-a-number
  x = choose(x > splat(89), splat(89), x);
  f32x16 n = round_small(x * splat(VK_BINARY_LOGARITHM_OF_E));
  f32x16 r = VK_FMA(n, splat(-0x1.63p-1f), x);  // ln 2 in two parts; the first product is exact
  r = VK_FMA(n, splat(0x1.bd0106p-13f), r);
  f32x16 p = splat(0x1.a1520cp-13f);
  p = VK_POLYNOMIAL_STEP(p, r, 0x1.6d43b4p-10f);
  p = VK_POLYNOMIAL_STEP(p, r, 0x1.1110c6p-7f);
  p = VK_POLYNOMIAL_STEP(p, r, 0x1.5554e8p-5f);
  p = VK_POLYNOMIAL_STEP(p, r, 0x1.555556p-3f);
  p = VK_POLYNOMIAL_STEP(p, r, 0.5f);
  return scale_by_power(VK_FMA(p, r * r, r) + splat(1), n);
}

/// 2^t to a relative error of 2e-7 for each of `count` vectors with t in -125 ... 127; what is
/// smaller counts as -126. Several advance side by side, since each step waits for the last.
VK_INLINE void powers_of_two(f32x16 *t, const int count) {
  f32x16 n[VK_POWERS_AT_ONCE], p[VK_POWERS_AT_ONCE];
#define VK_EACH VK_UNROLL for (int i = 0; i < count; ++i)
  VK_EACH t[i] = choose(t[i] < splat(-126), splat(-126), t[i]);
#ifndef VK_SCALE
  VK_EACH t[i] = choose(t[i] > splat(127), splat(127), t[i]);
#endif
  VK_EACH n[i] = round_small(t[i]);
  VK_EACH t[i] -= n[i];
  VK_EACH p[i] = splat(0x1.4440a4p-13f);
#define VK_STEP(coefficient) \
  VK_EACH { \
    p[i] = VK_POLYNOMIAL_STEP(p[i], t[i], coefficient); \
    VK_IN_TURN(p[i]); \
  }
  VK_STEP(0x1.5f095cp-10f)
  VK_STEP(0x1.3b2a1ap-7f)
  VK_STEP(0x1.c6af6cp-5f)
  VK_STEP(0x1.ebfbep-3f)
  VK_STEP(0x1.62e43p-1f)
  VK_STEP(1)
#undef VK_STEP
#ifdef VK_SCALE
  VK_EACH t[i] = VK_SCALE(p[i], n[i]);
#else
  // The low bits of the sum are n; they are shifted to the place of the exponent.
  VK_EACH {
    i32x16 bits = (i32x16)bits_of(n[i] + splat(0x1.8p23f));
    t[i] = (f32x16)((i32x16)bits_of(p[i]) + (bits << 23));
  }
#endif
#undef VK_EACH
}

/// The same for one vector.
VK_INLINE f32x16 power_of_two(f32x16 t) {
  powers_of_two(&t, 1);
  return t;
}

/// log(1 + u) for u >= 0 to a relative error of 3e-7.
///
/// w = 1 + u loses the low bits of u; they come back as (u - (w - 1)) / w, which is all there is
/// when w is 1.
VK_INLINE f32x16 logarithm_of_one_plus(f32x16 u) {
  f32x16 w = u + splat(1);
  f32x16 lost = (u - (w - splat(1))) / w;
  u32x16 bits = bits_of(w);
  i32x16 exponent = (i32x16)(bits - 0x3f3504f3u) >> 23;  // leaves sqrt(1/2) ... sqrt(2)
  f32x16 k = __builtin_convertvector(exponent, f32x16);
  f32x16 f = float_of(bits - ((u32x16)exponent << 23)) - splat(1);
  f32x16 p = splat(0.07147885859012604f);
  p = VK_POLYNOMIAL_STEP(p, f, -0.11570707708597183f);
  p = VK_POLYNOMIAL_STEP(p, f, 0.11661902815103531f);
  p = VK_POLYNOMIAL_STEP(p, f, -0.12411130219697952f);
  p = VK_POLYNOMIAL_STEP(p, f, 0.14249908924102783f);
  p = VK_POLYNOMIAL_STEP(p, f, -0.16668476164340973f);
  p = VK_POLYNOMIAL_STEP(p, f, 0.20000708103179932f);
  p = VK_POLYNOMIAL_STEP(p, f, -0.24999989569187164f);
  p = VK_POLYNOMIAL_STEP(p, f, 0.3333333134651184f);
  f32x16 square = f * f;
  f32x16 tail = VK_FMA(k, splat(-0x1.bd0106p-13f), lost);
  tail = VK_FMA(square * f, p, tail);
  tail = VK_FMA(square, splat(-0.5f), tail);
  return VK_FMA(k, splat(0x1.63p-1f), f + tail);
}

/// v if v > 20, else log1p(exp(v)), to a relative error of 5e-7.
VK_INLINE f32x16 softplus(f32x16 v) {
  i32x16 large = v > splat(20);
  return choose(large, v, logarithm_of_one_plus(exponential(choose(large, splat(0), v))));
}

/// 1 / (1 + exp(-x)), without overflow and without loss in either tail.
VK_INLINE f32x16 sigmoid(f32x16 x) {
  f32x16 e = exponential(choose(x > splat(0), -x, x));
  return choose(x > splat(0), splat(1), e) / (splat(1) + e);
}

VK_INLINE f32x16 silu(f32x16 x) { return x * sigmoid(x); }

/// The normal distribution below -|x|: erfc(|x| / sqrt(2)) / 2 = exp(-x^2 / 2) q(y) y / 2 with y =
/// 1 / (1 + 0.35 t), t = |x| / sqrt(2), where q is fitted on 0...9.5, beyond which the result is
/// zero.
VK_INLINE f32x16 normal_tail(f32x16 x) {
  f32x16 t = absolute(x) * splat(0x1.6a09e6p-1f);
  f32x16 y = splat(1) / VK_FMA(t, splat(0.35f), splat(1));
  f32x16 q = splat(0.03509986773133278f);
  q = VK_POLYNOMIAL_STEP(q, y, -0.14077752828598022f);
  q = VK_POLYNOMIAL_STEP(q, y, 0.13817812502384186f);
  q = VK_POLYNOMIAL_STEP(q, y, 0.03094712644815445f);
  q = VK_POLYNOMIAL_STEP(q, y, 0.037331122905015945f);
  q = VK_POLYNOMIAL_STEP(q, y, 0.1732856184244156f);
  q = VK_POLYNOMIAL_STEP(q, y, 0.14153319597244263f);
  q = VK_POLYNOMIAL_STEP(q, y, 0.1900310069322586f);
  q = VK_POLYNOMIAL_STEP(q, y, 0.1968735307455063f);
  q = VK_POLYNOMIAL_STEP(q, y, 0.19749793410301208f);
  return exponential(x * x * splat(-0.5f)) * q * y * splat(0.5f);
}

VK_INLINE f32x16 gelu(f32x16 x) {
  f32x16 tail = normal_tail(x);
  return x * choose(x > splat(0), splat(1) - tail, tail);
}

/// x / 2 (1 + tanh z) is x sigmoid(2 z).
VK_INLINE f32x16 gelu_tanh(f32x16 x) {
  f32x16 cubic = VK_FMA(x * x, splat(0.044715f), splat(1)) * x;
  return x * sigmoid(cubic * splat(0x1.988454p0f));
}

VK_INLINE f32x16 quick_gelu(f32x16 x) { return x * sigmoid(x * splat(1.702f)); }

/// The natural logarithm of a positive, normal number, in double precision: 2 artanh((m - 1) / (m +
/// 1)) + k ln 2.
VK_INLINE double logarithm(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  int64_t exponent = ((int64_t)bits - 0x3fe6a09e667f3bcd) >> 52;
  bits -= (uint64_t)exponent << 52;
  double m;
  memcpy(&m, &bits, sizeof m);
  double s = (m - 1) / (m + 1), square = s * s, sum = 0;
  for (int power = 23; power > 0; power -= 2) sum = sum * square + 1.0 / power;
  return 2 * s * sum + (double)exponent * 0x1.62e42fefa39efp-1;
}
