// The scan of Mamba-2, one head at a time. Letters as in include/scans.h.

static void VK(state_space_time_steps)(
    float *steps, float *sums, const float *raw, size_t stride, const float *bias, const float *A,
    float minimum, float maximum, size_t tokens, size_t heads, size_t chunk) {
  for (size_t head = 0; head < heads; head += VK_LANES) {
    size_t lanes = heads - head < VK_LANES ? heads - head : VK_LANES;
    f32x16 offset = load_lanes(bias + head, lanes);
    f64x16 decay = __builtin_convertvector(load_lanes(A + head, lanes), f64x16), sum = 0;
    for (size_t t = 0; t < tokens; ++t) {
      f32x16 step = softplus(load_lanes(raw + t * stride + head, lanes) + offset);
      step = choose(step < splat(minimum), splat(minimum), step);  // keeps not-a-number
      step = choose(step > splat(maximum), splat(maximum), step);
      if (t % chunk == 0) sum = 0;
      sum += __builtin_convertvector(step, f64x16) * decay;
      store_lanes(steps + t * heads + head, step, lanes);
      store_lanes(sums + t * heads + head, __builtin_convertvector(sum, f32x16), lanes);
    }
  }
}

#define VK_INTERLEAVE_LOW(a, b) \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define VK_INTERLEAVE_HIGH(a, b) \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/// Exchanges vectors and lanes of 16 vectors.
VK_INLINE void transpose(f32x16 rows[VK_LANES]) {
  VK_UNROLL for (int stage = 0; stage < 4; ++stage) {
    f32x16 next[VK_LANES];
    VK_UNROLL for (int i = 0; i < VK_LANES / 2; ++i) {
      next[2 * i] = VK_INTERLEAVE_LOW(rows[i], rows[i + VK_LANES / 2]);
      next[2 * i + 1] = VK_INTERLEAVE_HIGH(rows[i], rows[i + VK_LANES / 2]);
    }
    VK_UNROLL for (int i = 0; i < VK_LANES; ++i) rows[i] = next[i];
  }
}

/// Adds the skip, multiplies by the gate if there is one, and writes up to 16 outputs of a token.
VK_INLINE void state_space_store(
    float *y, f32x16 sum, const vk_state_space *scan, size_t token, size_t p, size_t lanes) {
  f32x16 x = load_lanes(scan->x + token * scan->x_stride + p, lanes);
  sum = VK_FMA(load_lanes(scan->D + p, lanes), x, sum);
  if (scan->gate) sum *= silu(load_lanes(scan->gate + token * scan->gate_stride + p, lanes));
  store_lanes(y + p, sum, lanes);
}

/// Advances the states of one channel by a token and returns its output before the skip.
///
/// Channels follow each other one by one: the processor fetches a single stream best.
VK_INLINE float state_space_channel(
    float *state, const float *B, const float *C, f32x16 decay, f32x16 input, size_t whole,
    size_t rest) {
  f32x16 sum = 0;
  for (size_t n = 0; n < whole; n += VK_LANES) {
    f32x16 next = VK_FMA(input, load_f32(B + n), load_f32(state + n) * decay);
    store_f32(state + n, next);
    sum = VK_FMA(next, load_f32(C + n), sum);
  }
  if (rest) {
    f32x16 held = load_some_f32(state + whole, rest) * decay;
    f32x16 next = VK_FMA(input, load_some_f32(B + whole, rest), held);
    store_some_f32(state + whole, next, rest);
    sum = VK_FMA(next, load_some_f32(C + whole, rest), sum);
  }
  return sum_lanes(sum);
}

/// Rounds the states of one channel to whole multiples of 1/127 of the largest.
VK_INLINE void state_space_round(float *state, size_t states) {
  u32x16 bits = 0;
  for (size_t n = 0; n < states; n += VK_LANES) {
    size_t lanes = states - n < VK_LANES ? states - n : VK_LANES;
    u32x16 magnitude = bits_of(load_lanes(state + n, lanes)) & 0x7fffffffu;
    bits = choose_bits(magnitude > bits, magnitude, bits);
  }
  float largest = largest_lane_or_special(bits);
  float inverse = largest < VK_SMALLEST_INPUT ? 0 : 127 / largest;
  float scale = largest < VK_SMALLEST_INPUT ? 0 : largest * (1.0f / 127);
  for (size_t n = 0; n < states; n += VK_LANES) {
    size_t lanes = states - n < VK_LANES ? states - n : VK_LANES;
    f32x16 scaled = clamp(load_lanes(state + n, lanes) * splat(inverse), -127, 127);
    store_lanes(state + n, round_small(scaled) * splat(scale), lanes);
  }
}

/// One token. rest: states after the last whole vector.
VK_INLINE void state_space_step(
    float *y, float *state, const vk_state_space *scan, size_t token, size_t rest) {
  const float *B = scan->B + token * scan->parameter_stride;
  const float *C = scan->C + token * scan->parameter_stride;
  const float *x = scan->x + token * scan->x_stride;
  float exponent = scan->sums[token * scan->step_stride];
  f32x16 decay = exponential(splat(exponent));
  int rounds = scan->rounds_state && !(exponent > scan->lasting);
  float step = scan->time_steps[token * scan->step_stride];
  size_t width = scan->head_width, states = scan->states;
  for (size_t p = 0; p < width; ++p) {
    f32x16 input = splat(step * x[p]);
    y[p] = state_space_channel(state + p * states, B, C, decay, input, states - rest, rest);
    if (rounds) state_space_round(state + p * states, states);
  }
  for (size_t p = 0; p < width; p += VK_LANES) {
    size_t lanes = width - p < VK_LANES ? width - p : VK_LANES;
    state_space_store(y, load_lanes(y + p, lanes), scan, token, p, lanes);
  }
}

static void VK(state_space_steps)(
    float *y, size_t stride, float *state, const vk_state_space *scan, size_t tokens) {
  size_t rest = scan->states % VK_LANES;
  for (size_t t = 0; t < tokens; ++t) {
    if (rest) {
      state_space_step(y + t * stride, state, scan, t, rest);
    } else {
      state_space_step(y + t * stride, state, scan, t, 0);
    }
  }
}

// Chunks: lanes are tokens, except where the state is advanced. Products are computed in blocks of
// VK_BLOCK_ROWS rows and two vectors.

enum { VK_BLOCK_ROWS = VK_TOKENS_AT_ONCE == 8 ? 8 : 2, VK_BLOCK_VECTORS = VK_CHUNK / VK_LANES };

typedef struct chunk_block {
  f32x16 sums[VK_BLOCK_ROWS][VK_BLOCK_VECTORS];
} chunk_block;

/// Factors of a product: for each k some vectors and, for each row, a number.
typedef struct chunk_factors {
  const float *vectors;
  size_t vector_step;
  const float *numbers;
  size_t row_step, number_step;
} chunk_factors;

/// Calls `take(row, rows)` for all of `count` rows, with a whole block of them at once as far as
/// possible.
#define VK_FOR_ROWS(count, take) \
  for (size_t row = 0; row < (count);) { \
    if ((count) - row >= VK_BLOCK_ROWS) { \
      take(row, VK_BLOCK_ROWS); \
      row += VK_BLOCK_ROWS; \
    } else { \
      take(row, 1); \
      ++row; \
    } \
  }

/// sums[row] += sum_k vectors[k] * numbers[row, k] for k in first ..< count, from a vector on.
VK_INLINE void chunk_multiply(
    chunk_block *block, chunk_factors factors, int rows, int first_vector, size_t first,
    size_t count) {
#pragma clang loop unroll_count(4)
  for (size_t k = first; k < count; ++k) {
    const float *from = factors.vectors + k * factors.vector_step;
    const float *number = factors.numbers + k * factors.number_step;
    f32x16 vectors[VK_BLOCK_VECTORS];
    VK_UNROLL for (int v = first_vector; v < VK_BLOCK_VECTORS; ++v) {
      vectors[v] = load_f32(from + v * VK_LANES);
    }
    VK_UNROLL for (int row = 0; row < rows; ++row) {
      f32x16 factor = splat(number[row * factors.row_step]);
      VK_UNROLL for (int v = first_vector; v < VK_BLOCK_VECTORS; ++v) {
        block->sums[row][v] = VK_FMA(factor, vectors[v], block->sums[row][v]);
      }
    }
  }
}

VK_INLINE size_t chunk_padded(size_t states) { return (states + VK_CHUNK - 1) / VK_CHUNK * VK_CHUNK; }

/// C with tokens as columns, zeros in the padding: `[states][VK_CHUNK]`.
VK_INLINE void chunk_transpose(
    float *out, const float *C, size_t stride, size_t tokens, size_t states) {
  for (size_t first = 0; first < VK_CHUNK; first += VK_LANES) {
    for (size_t n = 0; n < states; n += VK_LANES) {
      size_t lanes = states - n < VK_LANES ? states - n : VK_LANES;
      f32x16 rows[VK_LANES] = {0};
      for (size_t t = first; t < tokens && t < first + VK_LANES; ++t) {
        rows[t - first] = load_lanes(C + t * stride + n, lanes);
      }
      transpose(rows);
      for (size_t i = 0; i < lanes; ++i) store_f32(out + (n + i) * VK_CHUNK + first, rows[i]);
    }
  }
}

VK_INLINE void chunk_score_rows(float *scores, chunk_factors factors, int rows, size_t states) {
  chunk_block block = {0};
  chunk_multiply(&block, factors, rows, 0, 0, states);
  for (int row = 0; row < rows; ++row) {
    for (int v = 0; v < VK_BLOCK_VECTORS; ++v) {
      store_f32(scores + row * VK_CHUNK + v * VK_LANES, block.sums[row][v]);
    }
  }
}

static void VK(state_space_prepare)(
    float *prepared, const float *B, const float *C, size_t stride, size_t tokens, size_t states) {
  size_t padded = chunk_padded(states);
  float *columns = prepared, *rows = columns + padded * VK_CHUNK, *scores = rows + padded * VK_CHUNK;
  chunk_transpose(columns, C, stride, tokens, states);
  memset(rows, 0, padded * VK_CHUNK * sizeof *rows);
  for (size_t t = 0; t < tokens; ++t) {
    memcpy(rows + t * padded, B + t * stride, states * sizeof *rows);
  }
#define VK_SCORE(row, count) \
  chunk_score_rows( \
      scores + (row) * VK_CHUNK, \
      (chunk_factors){columns, VK_CHUNK, rows + (row) * padded, padded, 1}, count, states)
  VK_FOR_ROWS(tokens, VK_SCORE)
#undef VK_SCORE
}

/// What a head does with the tokens of a chunk.
typedef struct chunk_head {
  const float *columns, *rows;             ///< C and B as prepared
  size_t tokens, states, padded;
  float scores[VK_CHUNK][VK_CHUNK];        ///< of token j for token i, at [j][i]
  f32x16 reading[VK_BLOCK_VECTORS];        ///< what is left of the state at a token
  float writing[VK_CHUNK];                 ///< what is left of a token at the end, times its step
  f32x16 remaining;                        ///< what is left of the state at the end
} chunk_head;

VK_INLINE i32x16 lanes_from(size_t lane) {
  const i32x16 index = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return index >= (int32_t)lane;
}

/// Differences of sums are never above zero where they count, however fast the state decays.
VK_INLINE void chunk_decay(
    chunk_head *head, const float *prepared, const vk_state_space *scan, size_t tokens) {
  float sums[VK_CHUNK], steps[VK_CHUNK] = {0};
  for (size_t t = 0; t < VK_CHUNK; ++t) {
    sums[t] = scan->sums[(t < tokens ? t : tokens - 1) * scan->step_stride];
    if (t < tokens) steps[t] = scan->time_steps[t * scan->step_stride];
  }
  head->tokens = tokens;
  head->states = scan->states;
  head->padded = chunk_padded(scan->states);
  head->columns = prepared;
  head->rows = head->columns + head->padded * VK_CHUNK;
  const float *scores = head->rows + head->padded * VK_CHUNK;
  f32x16 last = splat(sums[VK_CHUNK - 1]);
  head->remaining = exponential(last);
  for (size_t v = 0; v < VK_BLOCK_VECTORS; ++v) {
    f32x16 sum = load_f32(sums + v * VK_LANES);
    head->reading[v] = exponential(sum);
    store_f32(
        head->writing + v * VK_LANES, exponential(last - sum) * load_f32(steps + v * VK_LANES));
    size_t end = (v + 1) * VK_LANES < tokens ? (v + 1) * VK_LANES : tokens;
    for (size_t j = 0; j < end; ++j) {
      f32x16 factor = exponential(sum - splat(sums[j])) * splat(steps[j]);
      f32x16 score = load_f32(scores + j * VK_CHUNK + v * VK_LANES) * factor;
      if (j > v * VK_LANES) score = choose(lanes_from(j - v * VK_LANES), score, splat(0));
      store_f32(head->scores[j] + v * VK_LANES, score);
    }
  }
}

/// Outputs of some channels, before skip and gate: `[rows][VK_CHUNK]`.
VK_INLINE void chunk_read(
    float *out, const chunk_head *head, const float *state, const float *x, size_t x_stride,
    int rows) {
  chunk_block block = {0};
  chunk_factors held = {head->columns, VK_CHUNK, state, head->states, 1};
  chunk_multiply(&block, held, rows, 0, 0, head->states);
  VK_UNROLL for (int row = 0; row < rows; ++row) {
    VK_UNROLL for (int v = 0; v < VK_BLOCK_VECTORS; ++v) block.sums[row][v] *= head->reading[v];
  }
  chunk_factors inputs = {head->scores[0], VK_CHUNK, x, 1, x_stride};
  VK_UNROLL for (int v = 0; v < VK_BLOCK_VECTORS; ++v) {
    size_t first = (size_t)v * VK_LANES, end = first + VK_LANES;
    chunk_multiply(&block, inputs, rows, v, first, end < head->tokens ? end : head->tokens);
  }
  VK_UNROLL for (int row = 0; row < rows; ++row) {
    VK_UNROLL for (int v = 0; v < VK_BLOCK_VECTORS; ++v) {
      store_f32(out + row * VK_CHUNK + v * VK_LANES, block.sums[row][v]);
    }
  }
}

/// Advances two vectors of states of some channels. inputs: `[tokens][VK_LANES]`.
VK_INLINE void chunk_write_block(
    float *state, const chunk_head *head, const float *inputs, int rows, size_t n,
    size_t first_lanes, size_t second_lanes) {
  chunk_block block = {0};
  for (int row = 0; row < rows; ++row) {
    float *from = state + (size_t)row * head->states + n;
    block.sums[row][0] = load_lanes(from, first_lanes) * head->remaining;
    if (second_lanes) {
      block.sums[row][1] = load_lanes(from + VK_LANES, second_lanes) * head->remaining;
    }
  }
  chunk_factors factors = {head->rows + n, head->padded, inputs, 1, VK_LANES};
  chunk_multiply(&block, factors, rows, 0, 0, head->tokens);
  for (int row = 0; row < rows; ++row) {
    float *to = state + (size_t)row * head->states + n;
    store_lanes(to, block.sums[row][0], first_lanes);
    if (second_lanes) store_lanes(to + VK_LANES, block.sums[row][1], second_lanes);
  }
}

VK_INLINE void chunk_write(float *state, const chunk_head *head, const float *inputs, int rows) {
  size_t n = 0;
  for (; n + VK_CHUNK <= head->states; n += VK_CHUNK) {
    chunk_write_block(state, head, inputs, rows, n, VK_LANES, VK_LANES);
  }
  if (n < head->states) {
    size_t rest = head->states - n, first = rest < VK_LANES ? rest : VK_LANES;
    chunk_write_block(state, head, inputs, rows, n, first, rest - first);
  }
}

/// Up to 16 channels of a head.
VK_INLINE void chunk_channels(
    float *y, size_t stride, float *state, const chunk_head *head, const vk_state_space *scan,
    size_t p, size_t lanes) {
  float outputs[VK_LANES * VK_CHUNK] = {0}, inputs[VK_CHUNK * VK_LANES];
  const float *x = scan->x + p;
  for (size_t t = 0; t < head->tokens; ++t) {
    f32x16 input = load_lanes(x + t * scan->x_stride, lanes) * splat(head->writing[t]);
    store_f32(inputs + t * VK_LANES, input);
  }
  // What all channels read stays in the first cache if they write afterwards.
  float *held = state + p * head->states;
#define VK_READ(row, rows) \
  chunk_read( \
      outputs + (row) * VK_CHUNK, head, held + (row) * head->states, x + (row), scan->x_stride, rows)
#define VK_WRITE(row, rows) chunk_write(held + (row) * head->states, head, inputs + (row), rows)
  VK_FOR_ROWS(lanes, VK_READ)
  VK_FOR_ROWS(lanes, VK_WRITE)
#undef VK_READ
#undef VK_WRITE
  for (size_t first = 0; first < head->tokens; first += VK_LANES) {
    f32x16 rows[VK_LANES];
    for (size_t i = 0; i < VK_LANES; ++i) rows[i] = load_f32(outputs + i * VK_CHUNK + first);
    transpose(rows);
    for (size_t t = first; t < head->tokens && t < first + VK_LANES; ++t) {
      state_space_store(y + t * stride, rows[t - first], scan, t, p, lanes);
    }
  }
}

static void VK(state_space_chunk)(
    float *y, size_t stride, float *state, const float *prepared, const vk_state_space *scan,
    size_t tokens) {
  if (tokens == 0) return;
  chunk_head head;
  chunk_decay(&head, prepared, scan, tokens);
  size_t p = 0;
  for (; p + VK_LANES <= scan->head_width; p += VK_LANES) {
    chunk_channels(y, stride, state, &head, scan, p, VK_LANES);
  }
  if (p < scan->head_width) {
    chunk_channels(y, stride, state, &head, scan, p, scan->head_width - p);
  }
}
