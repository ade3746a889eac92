// Factors of columns, as halves.

VK_INLINE u16x16 load_half_lanes(const uint16_t *from, size_t lanes) {
  return lanes < VK_LANES ? load_some_u16(from, lanes) : load_u16(from);
}

static void VK(multiply_columns)(
    float *out, const float *x, const uint16_t *steps, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; ++r, out += columns, x += columns) {
    for (size_t k = 0; k < columns; k += VK_LANES) {
      size_t lanes = columns - k < VK_LANES ? columns - k : VK_LANES;
      f32x16 factors = widen_half(load_half_lanes(steps + k, lanes));
      store_lanes(out + k, load_lanes(x + k, lanes) * factors, lanes);
    }
  }
}
