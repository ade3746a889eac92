// One token of Mamba-2's scan. Letters as in CKernels.h.

static void VK(state_space_step)(
    float *y, float *state, const float *x, const float *B, const float *C, float decay,
    float time_step, size_t head_width, size_t states) {
  for (size_t p = 0; p < head_width; ++p) {
    f32x16 sum = splat(0), input = splat(time_step * x[p]);
    float *row = state + p * states;
    size_t n = 0;
    for (; n + VK_LANES <= states; n += VK_LANES) {
      f32x16 next = VK_FMA(input, load_f32(B + n), load_f32(row + n) * splat(decay));
      store_f32(row + n, next);
      sum = VK_FMA(next, load_f32(C + n), sum);
    }
    if (n < states) {
      size_t lanes = states - n;
      f32x16 held = load_some_f32(row + n, lanes) * splat(decay);
      f32x16 next = VK_FMA(input, load_some_f32(B + n, lanes), held);
      store_some_f32(row + n, next, lanes);
      sum = VK_FMA(next, load_some_f32(C + n, lanes), sum);
    }
    y[p] = sum_lanes(sum);
  }
}
