// Functions applied to each element.

#define VK_MAP(name, parameters, count, out, whole, some) \
  static void VK(name) parameters { \
    size_t i = 0; \
    for (; i + VK_LANES <= count; i += VK_LANES) store_f32(out + i, whole); \
    if (i < count) store_some_f32(out + i, some, count - i); \
  }
#define VK_MAP_ONE(name, function) \
  VK_MAP( \
      name, (float *out, const float *x, size_t count), count, out, function(load_f32(x + i)), \
      function(load_some_f32(x + i, count - i)))
#define VK_MAP_TWO(name, function) \
  VK_MAP( \
      name, (float *out, const float *a, const float *b, size_t count), count, out, \
      function(load_f32(a + i), load_f32(b + i)), \
      function(load_some_f32(a + i, count - i), load_some_f32(b + i, count - i)))

VK_INLINE f32x16 gate_silu(f32x16 x, f32x16 gate) { return x * silu(gate); }
VK_INLINE f32x16 add(f32x16 a, f32x16 b) { return a + b; }

VK_MAP_ONE(exp, exponential)
VK_MAP_ONE(softplus, softplus)
VK_MAP_ONE(gelu, gelu)
VK_MAP_ONE(gelu_tanh, gelu_tanh)
VK_MAP_ONE(quick_gelu, quick_gelu)
VK_MAP_ONE(silu, silu)
VK_MAP_TWO(gate_silu, gate_silu)
VK_MAP_TWO(add, add)

static void VK(activate)(float *out, const float *x, int activation, size_t count) {
  switch (activation) {
    case VK_GELU: VK(gelu)(out, x, count); break;
    case VK_GELU_TANH: VK(gelu_tanh)(out, x, count); break;
    case VK_QUICK_GELU: VK(quick_gelu)(out, x, count); break;
    default: VK(silu)(out, x, count); break;
  }
}
