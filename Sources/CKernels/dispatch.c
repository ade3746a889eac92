// Chooses a table once and passes every call on to it.
#include "tables.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
         && __builtin_cpu_supports("f16c");
}

// Asked of the processor itself: the support libraries of older compilers know no AVX-VNNI.
static int has_avx_vnni(void) {
  unsigned features = 0, b, c, d;
  return has_avx2() && __get_cpuid_count(7, 1, &features, &b, &c, &d)
         && (features & 1u << 4) != 0;
}

static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
         && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
         && __builtin_cpu_supports("avx512vnni");
}
#elif defined(__aarch64__)
static int has_neon_dotprod(void) { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
#endif

static const vk_table *best_table(void) {
#if defined(__x86_64__)
  if (has_avx512()) return &vk_table_avx512;
  if (has_avx_vnni()) return &vk_table_avx_vnni;
  if (has_avx2()) return &vk_table_avx2;
#elif defined(__aarch64__)
  return has_neon_dotprod() ? &vk_table_neon_dotprod : &vk_table_neon;
#endif
  return &vk_table_portable;
}

const vk_table *vk_kernels_named(const char *instruction_set) {
  if (strcmp(instruction_set, "portable") == 0) return &vk_table_portable;
#if defined(__x86_64__)
  if (strcmp(instruction_set, "avx2") == 0 && has_avx2()) return &vk_table_avx2;
  if (strcmp(instruction_set, "avx-vnni") == 0 && has_avx_vnni()) return &vk_table_avx_vnni;
  if (strcmp(instruction_set, "avx512") == 0 && has_avx512()) return &vk_table_avx512;
#elif defined(__aarch64__)
  if (strcmp(instruction_set, "neon") == 0) return &vk_table_neon;
  if (strcmp(instruction_set, "neon-dotprod") == 0 && has_neon_dotprod()) {
    return &vk_table_neon_dotprod;
  }
#endif
  return NULL;
}

static const vk_table *kernels(void) {
  static _Atomic(const vk_table *) chosen;
  const vk_table *table = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (table) return table;
  const char *wanted = getenv("VLM_CONVERT_KERNELS");
  table = wanted ? vk_kernels_named(wanted) : NULL;
  if (!table) table = best_table();
  atomic_store_explicit(&chosen, table, memory_order_relaxed);
  return table;
}

const char *vk_instruction_set(void) { return kernels()->instruction_set; }

void vk_widen_f16(float *out, const uint16_t *in, size_t count) {
  kernels()->widen_f16(out, in, count);
}

void vk_widen_bf16(float *out, const uint16_t *in, size_t count) {
  kernels()->widen_bf16(out, in, count);
}

void vk_narrow_f16(uint16_t *out, const float *in, size_t count) {
  kernels()->narrow_f16(out, in, count);
}

void vk_narrow_bf16(uint16_t *out, const float *in, size_t count) {
  kernels()->narrow_bf16(out, in, count);
}

int vk_all_within(const float *in, size_t count, float limit) {
  return kernels()->all_within(in, count, limit);
}

void vk_f32_matvec(float *out, const float *w, const float *x, size_t rows, size_t columns) {
  kernels()->f32_matvec(out, w, x, rows, columns);
}

void vk_f16_matvec(float *out, const uint16_t *w, const float *x, size_t rows, size_t columns) {
  kernels()->f16_matvec(out, w, x, rows, columns);
}

void vk_bf16_matvec(float *out, const uint16_t *w, const float *x, size_t rows, size_t columns) {
  kernels()->bf16_matvec(out, w, x, rows, columns);
}

void vk_q8_quantize(
    int8_t *codes, uint16_t *scales, const float *w, size_t rows, size_t columns, size_t group_size,
    int largest_code) {
  kernels()->q8_quantize(codes, scales, w, rows, columns, group_size, largest_code);
}

void vk_e_quantize(
    int8_t *codes, uint16_t *scales, const float *w, size_t rows, size_t columns, float step) {
  kernels()->e_quantize(codes, scales, w, rows, columns, step);
}

void vk_coarse_halves(uint16_t *out, const float *in, size_t count) {
  kernels()->coarse_halves(out, in, count);
}

void vk_multiply_columns(
    float *out, const float *x, const uint16_t *steps, size_t rows, size_t columns) {
  kernels()->multiply_columns(out, x, steps, rows, columns);
}

void vk_q8_scales(
    uint16_t *scales, const float *w, const float *importance, size_t rows, size_t columns,
    size_t group_size, int largest_code) {
  kernels()->q8_scales(scales, w, importance, rows, columns, group_size, largest_code);
}

void vk_round_columns(
    int8_t *codes, float *errors, float *w, size_t stride, const vk_steps *steps,
    const float *factor, size_t factor_stride, size_t rows, size_t columns) {
  kernels()->round_columns(codes, errors, w, stride, steps, factor, factor_stride, rows, columns);
}

void vk_rotate_blocks(
    float *out, const float *x, size_t stride, const float *signs, size_t rows, size_t columns,
    size_t block, int backward) {
  kernels()->rotate_blocks(out, x, stride, signs, rows, columns, block, backward);
}

void vk_descend_codes(
    int8_t *codes, float *gradient, const vk_steps *steps, const float *moments, size_t rows,
    size_t columns) {
  kernels()->descend_codes(codes, gradient, steps, moments, rows, columns);
}

void vk_q4_quantize(
    uint8_t *codes, int8_t *sub_scales, uint16_t *super_scales, const float *w,
    const float *importance, size_t rows, size_t columns) {
  kernels()->q4_quantize(codes, sub_scales, super_scales, w, importance, rows, columns);
}

void vk_q8_tile(uint8_t *tiles, const int8_t *codes, size_t rows, size_t columns) {
  kernels()->q8_tile(tiles, codes, rows, columns);
}

int vk_q6_tile(uint8_t *tiles, const int8_t *codes, size_t rows, size_t columns) {
  return kernels()->q6_tile(tiles, codes, rows, columns);
}

void vk_q4_tile(uint8_t *tiles, const uint8_t *codes, size_t rows, size_t columns) {
  kernels()->q4_tile(tiles, codes, rows, columns);
}

void vk_tile_halves(uint16_t *tiles, const uint16_t *scales, size_t rows, size_t groups) {
  kernels()->tile_halves(tiles, scales, rows, groups);
}

void vk_tile_bytes(int8_t *tiles, const int8_t *scales, size_t rows, size_t groups) {
  kernels()->tile_bytes(tiles, scales, rows, groups);
}

void vk_q8_expand(
    float *out, const uint8_t *tiles, const uint16_t *scales, size_t first_row, size_t rows,
    size_t columns, size_t group_size) {
  kernels()->q8_expand(out, tiles, scales, first_row, rows, columns, group_size);
}

void vk_q6_expand(
    float *out, const uint8_t *tiles, const uint16_t *scales, size_t first_row, size_t rows,
    size_t columns, size_t group_size) {
  kernels()->q6_expand(out, tiles, scales, first_row, rows, columns, group_size);
}

void vk_q4_expand(
    float *out, const uint8_t *tiles, const int8_t *sub_scales, const uint16_t *super_scales,
    size_t first_row, size_t rows, size_t columns) {
  kernels()->q4_expand(out, tiles, sub_scales, super_scales, first_row, rows, columns);
}

void vk_round_inputs(
    int8_t *codes, int32_t *offsets, float *scales, const float *x, size_t stride,
    const uint16_t *steps, size_t tokens, size_t columns, size_t scale_columns,
    size_t offset_columns, int offset) {
  kernels()->round_inputs(
      codes, offsets, scales, x, stride, steps, tokens, columns, scale_columns, offset_columns,
      offset);
}

void vk_split_inputs(
    int8_t *codes, int32_t *offsets, float *scales, const float *x, size_t stride,
    const uint16_t *steps, size_t tokens, size_t columns, size_t scale_columns,
    size_t offset_columns, int offset) {
  kernels()->split_inputs(
      codes, offsets, scales, x, stride, steps, tokens, columns, scale_columns, offset_columns,
      offset);
}

void vk_round_rows(
    int8_t *codes, float *scales, const float *x, size_t stride, size_t rows, size_t columns,
    size_t group_size) {
  kernels()->round_rows(codes, scales, x, stride, rows, columns, group_size);
}

void vk_widen_rows(
    float *out, const int8_t *codes, const float *scales, size_t rows, size_t columns,
    size_t group_size) {
  kernels()->widen_rows(out, codes, scales, rows, columns, group_size);
}

void vk_q8_multiply(
    float *out, size_t stride, const uint8_t *tiles, const uint16_t *scales,
    const vk_inputs *inputs, size_t tokens, size_t first_row, size_t rows, size_t columns,
    size_t group_size) {
  kernels()->q8_multiply(out, stride, tiles, scales, inputs, tokens, first_row, rows, columns, group_size);
}

void vk_q6_multiply(
    float *out, size_t stride, const uint8_t *tiles, const uint16_t *scales,
    const vk_inputs *inputs, size_t tokens, size_t first_row, size_t rows, size_t columns,
    size_t group_size) {
  kernels()->q6_multiply(out, stride, tiles, scales, inputs, tokens, first_row, rows, columns, group_size);
}

void vk_q4_multiply(
    float *out, size_t stride, const uint8_t *tiles, const int8_t *sub_scales,
    const uint16_t *super_scales, const vk_inputs *inputs, size_t tokens, size_t first_row,
    size_t rows, size_t columns) {
  kernels()->q4_multiply(out, stride, tiles, sub_scales, super_scales, inputs, tokens, first_row, rows, columns);
}

void vk_rms_normalize(
    float *out, const float *x, const float *weight, float epsilon, size_t rows, size_t columns)
    {
  kernels()->rms_normalize(out, x, weight, epsilon, rows, columns);
}

void vk_layer_normalize(
    float *out, const float *x, const float *weight, const float *bias, float epsilon, size_t rows,
    size_t columns) {
  kernels()->layer_normalize(out, x, weight, bias, epsilon, rows, columns);
}

void vk_causal_convolution_silu(
    float *out, size_t stride, const float *x, size_t x_stride, const float *weight,
    const float *bias, const float *history, size_t tokens, size_t channels, size_t kernel) {
  kernels()->causal_convolution_silu(out, stride, x, x_stride, weight, bias, history, tokens, channels, kernel);
}

void vk_grid_convolution_silu(
    float *out, const float *x, const float *weight, const float *bias, size_t height, size_t width,
    size_t channels, size_t kernel) {
  kernels()->grid_convolution_silu(out, x, weight, bias, height, width, channels, kernel);
}

void vk_selective_scan(
    float *y, float *state, const vk_scan *scan, size_t tokens, size_t channels, size_t states,
    size_t first_tile, size_t tile_count) {
  kernels()->selective_scan(y, state, scan, tokens, channels, states, first_tile, tile_count);
}

void vk_state_space_time_steps(
    float *steps, float *sums, const float *raw, size_t stride, const float *bias, const float *A,
    float minimum, float maximum, size_t tokens, size_t heads, size_t chunk) {
  kernels()->state_space_time_steps(
      steps, sums, raw, stride, bias, A, minimum, maximum, tokens, heads, chunk);
}

void vk_state_space_steps(
    float *y, size_t stride, float *state, const vk_state_space *scan, size_t tokens) {
  kernels()->state_space_steps(y, stride, state, scan, tokens);
}

void vk_state_space_prepare(
    float *prepared, const float *B, const float *C, size_t stride, size_t tokens, size_t states) {
  kernels()->state_space_prepare(prepared, B, C, stride, tokens, states);
}

void vk_state_space_chunk(
    float *y, size_t stride, float *state, const float *prepared, const vk_state_space *scan,
    size_t tokens) {
  kernels()->state_space_chunk(y, stride, state, prepared, scan, tokens);
}

void vk_softmax_rows(float *x, float scale, size_t rows, size_t columns) {
  kernels()->softmax_rows(x, scale, rows, columns);
}

void vk_log_softmax_rows(float *out, const float *x, size_t rows, size_t columns) {
  kernels()->log_softmax_rows(out, x, rows, columns);
}

void vk_activate(float *out, const float *x, int activation, size_t count) {
  kernels()->activate(out, x, activation, count);
}

void vk_gate_silu(float *out, const float *x, const float *gate, size_t count) {
  kernels()->gate_silu(out, x, gate, count);
}

void vk_add(float *out, const float *a, const float *b, size_t count) {
  kernels()->add(out, a, b, count);
}

void vk_exp(float *out, const float *x, size_t count) {
  kernels()->exp(out, x, count);
}

void vk_softplus(float *out, const float *x, size_t count) {
  kernels()->softplus(out, x, count);
}

void vk_silu_gradient(float *dx, const float *x, const float *dy, size_t count) {
  kernels()->silu_gradient(dx, x, dy, count);
}

void vk_rms_gradient(
    float *dx, float *dweight, const float *x, const float *weight, const float *dy, float epsilon,
    size_t rows, size_t columns) {
  kernels()->rms_gradient(dx, dweight, x, weight, dy, epsilon, rows, columns);
}

void vk_causal_convolution_silu_gradient(
    float *dx, float *dweight, float *dbias, const float *x, const float *weight, const float *bias,
    const float *dy, size_t tokens, size_t channels, size_t kernel) {
  kernels()->causal_convolution_silu_gradient(
      dx, dweight, dbias, x, weight, bias, dy, tokens, channels, kernel);
}

void vk_selective_scan_gradient(
    const vk_scan_gradient *out, float *scratch, const vk_scan *scan, const float *dy,
    size_t tokens, size_t channels, size_t states) {
  kernels()->selective_scan_gradient(out, scratch, scan, dy, tokens, channels, states);
}

double vk_divergence_gradient(
    float *dlogits, const float *model, const float *reference, float weight, size_t count) {
  return kernels()->divergence_gradient(dlogits, model, reference, weight, count);
}

void vk_apply_factors(
    float *out, const float *w, const float *factors, const float *column_factors, size_t rows,
    size_t columns, size_t group_size) {
  kernels()->apply_factors(out, w, factors, column_factors, rows, columns, group_size);
}

void vk_factor_gradient(
    float *dfactors, float *dcolumn_factors, const float *dw, const float *w, const float *factors,
    const float *column_factors, size_t rows, size_t columns, size_t group_size) {
  kernels()->factor_gradient(
      dfactors, dcolumn_factors, dw, w, factors, column_factors, rows, columns, group_size);
}

int vk_rans_decode(
    uint8_t *out, const size_t *lengths, size_t runs, const uint8_t *in, size_t in_count) {
  return kernels()->rans_decode(out, lengths, runs, in, in_count);
}
