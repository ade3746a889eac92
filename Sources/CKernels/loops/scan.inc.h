// The selective scan of Mamba-1, a tile of 16 channels at a time. Letters as in include/scans.h.

enum {
  VK_HELD_STATES = 16,
  VK_BATCH_TOKENS = 16,
  VK_BATCH_TILES = 8
};

/// What a scan reads, and which way of scanning is meant. The latter are always constants, so that
/// each way holds only its own loads.
typedef struct scan_input {
  vk_scan given;
  int from_codes, rounds_state;
} scan_input;

typedef struct scan_weights {
  const float *A, *D, *bias;
} scan_weights;

/// One tile: its first channel, how many of its 16 lanes are channels, and the channel that time
/// steps begin with.
typedef struct scan_tile {
  size_t first, lanes, channels, states, first_time_step;
} scan_tile;

VK_INLINE f32x16 scan_x(const scan_input *input, size_t token, scan_tile tile) {
  const vk_scan *given = &input->given;
  if (!input->from_codes) {
    return load_lanes(given->x + token * given->x_stride + tile.first, tile.lanes);
  }
  const int8_t *codes = given->x_codes + token * tile.channels + tile.first;
  size_t groups = quotient_up(tile.channels, VK_SCALE_COLUMNS);
  float scale = given->x_scales[token * groups + tile.first / VK_SCALE_COLUMNS];
  i8x16 loaded = tile.lanes == VK_LANES ? load_i8(codes) : load_some_i8(codes, tile.lanes);
  return widen_codes(loaded) * splat(scale);
}

VK_INLINE f32x16 scan_time_step(
    const scan_input *input, size_t token, scan_tile tile, const float *bias) {
  const vk_scan *given = &input->given;
  const float *steps =
      given->time_steps + token * given->time_step_stride + (tile.first - tile.first_time_step);
  return softplus(load_lanes(steps, tile.lanes) + load_lanes(bias + tile.first, tile.lanes));
}

/// The steps and inputs of some tokens and tiles, made ready at once: what softplus waits for
/// overlaps.
typedef struct scan_batch {
  f32x16 steps[VK_BATCH_TOKENS][VK_BATCH_TILES], x[VK_BATCH_TOKENS][VK_BATCH_TILES];
  size_t first_token, tokens;
} scan_batch;

VK_INLINE void scan_prepare(
    scan_batch *batch, const scan_input *input, const float *bias, const scan_tile *tiles,
    size_t count) {
  for (size_t t = 0; t < batch->tokens; ++t) {
    for (size_t i = 0; i < count; ++i) {
      batch->steps[t][i] = scan_time_step(input, batch->first_token + t, tiles[i], bias);
      batch->x[t][i] = scan_x(input, batch->first_token + t, tiles[i]);
    }
  }
}

/// Up to 16 values of B or C from state n on: in place, or decoded into `buffer`.
VK_INLINE const float *scan_row(
    const scan_input *input, const float *values, const int8_t *codes, const float *scales,
    size_t token, size_t n, size_t states, float *buffer) {
  if (!input->from_codes) return values + token * input->given.parameter_stride + n;
  size_t place = token * states + n, count = states - n < VK_LANES ? states - n : VK_LANES;
  i8x16 loaded = count == VK_LANES ? load_i8(codes + place) : load_some_i8(codes + place, count);
  store_f32(buffer, widen_codes(loaded) * splat(scales[token]));
  return buffer;
}

VK_INLINE const float *scan_B(
    const scan_input *input, size_t token, size_t n, size_t states, float *buffer) {
  const vk_scan *given = &input->given;
  return scan_row(input, given->B, given->B_codes, given->B_scales, token, n, states, buffer);
}

VK_INLINE const float *scan_C(
    const scan_input *input, size_t token, size_t n, size_t states, float *buffer) {
  const vk_scan *given = &input->given;
  return scan_row(input, given->C, given->C_codes, given->C_scales, token, n, states, buffer);
}

/// Rounds the states of each channel to whole multiples of 1/127 of the largest, except those whose
/// decays have exponents, steps * A, above `lasting`.
VK_INLINE void scan_round_state(
    float *state, const float *A, f32x16 steps, float lasting, size_t states) {
  u32x16 bits = 0;
  for (size_t n = 0; n < states; ++n) {
    u32x16 magnitude = bits_of(load_f32(state + n * VK_LANES)) & 0x7fffffffu;
    bits = choose_bits(magnitude > bits, magnitude, bits);
  }
  f32x16 largest = float_of(bits);
  i32x16 vanishing = largest < splat(VK_SMALLEST_INPUT);
  f32x16 inverse = choose(vanishing, splat(0), splat(127) / largest);
  f32x16 scale = choose(vanishing, splat(0), largest * splat(1.0f / 127));
  for (size_t n = 0; n < states; ++n) {
    float *place = state + n * VK_LANES;
    f32x16 value = load_f32(place);
    f32x16 rounded = round_small(clamp(value * inverse, -127, 127)) * scale;
    i32x16 lasts = steps * load_f32(A + n * VK_LANES) > splat(lasting);
    store_f32(place, choose(lasts, value, rounded));
  }
}

/// The output of a token, gated if there is a gate.
VK_INLINE void scan_store(
    float *y, const scan_input *input, f32x16 sum, size_t token, scan_tile tile) {
  const vk_scan *given = &input->given;
  if (given->gate) {
    sum *= silu(load_lanes(given->gate + token * given->gate_stride + tile.first, tile.lanes));
  }
  store_lanes(y + token * tile.channels + tile.first, sum, tile.lanes);
}

/// What advances the states of a tile by a token: dt * A is a binary exponent.
typedef struct scan_drive {
  f32x16 binary, stepped;  // dt in powers of two, dt * x
  const float *A, *B, *C;
} scan_drive;

VK_INLINE scan_drive scan_drive_from(f32x16 step, f32x16 x) {
  return (scan_drive){.binary = step * splat(VK_BINARY_LOGARITHM_OF_E), .stepped = step * x};
}

/// Advances `count` states from state n on, and adds what is read from them to the output.
VK_INLINE void scan_advance(
    f32x16 *states, f32x16 *sum, const scan_drive *drive, size_t n, const int count) {
  f32x16 decays[VK_POWERS_AT_ONCE];
  VK_UNROLL for (int i = 0; i < count; ++i) {
    decays[i] = drive->binary * load_f32(drive->A + (n + (size_t)i) * VK_LANES);
  }
  powers_of_two(decays, count);
  VK_UNROLL for (int i = 0; i < count; ++i) {
    states[i] = VK_FMA(decays[i], states[i], drive->stepped * splat(drive->B[n + (size_t)i]));
    *sum = VK_FMA(splat(drive->C[n + (size_t)i]), states[i], *sum);
  }
}

/// The same for states in memory.
VK_INLINE void scan_advance_stored(
    float *states, f32x16 *sum, const scan_drive *drive, size_t n, const int count) {
  f32x16 held[VK_POWERS_AT_ONCE];
  VK_UNROLL for (int i = 0; i < count; ++i) held[i] = load_f32(states + i * VK_LANES);
  scan_advance(held, sum, drive, n, count);
  VK_UNROLL for (int i = 0; i < count; ++i) store_f32(states + i * VK_LANES, held[i]);
}

#ifdef VK_HOLDS_STATES

/// Brings a tile with 16 states past the tokens of a batch; the states stay in registers meanwhile.
VK_INLINE void scan_tile_held(
    float *y, float *state, const scan_input *input, const scan_weights *weights,
    const scan_batch *batch, size_t index, scan_tile tile) {
  float *tile_state = state + tile.first * VK_HELD_STATES;
  f32x16 D = load_lanes(weights->D + tile.first, tile.lanes), held[VK_HELD_STATES];
  VK_UNROLL for (int n = 0; n < VK_HELD_STATES; ++n) held[n] = load_f32(tile_state + n * VK_LANES);
  for (size_t t = 0; t < batch->tokens; ++t) {
    size_t token = batch->first_token + t;
    float B_buffer[VK_LANES], C_buffer[VK_LANES];
    f32x16 x = batch->x[t][index], sum = D * x;
    scan_drive drive = scan_drive_from(batch->steps[t][index], x);
    drive.A = weights->A + tile.first * VK_HELD_STATES;
    drive.B = scan_B(input, token, 0, VK_HELD_STATES, B_buffer);
    drive.C = scan_C(input, token, 0, VK_HELD_STATES, C_buffer);
    VK_UNROLL for (int n = 0; n < VK_HELD_STATES; n += VK_POWERS_AT_ONCE) {
      scan_advance(held + n, &sum, &drive, (size_t)n, VK_POWERS_AT_ONCE);
    }
    scan_store(y, input, sum, token, tile);
  }
  VK_UNROLL for (int n = 0; n < VK_HELD_STATES; ++n) store_f32(tile_state + n * VK_LANES, held[n]);
}

#endif

/// Brings a tile with any number of states past the tokens of a batch; the states stay in memory.
VK_INLINE void scan_tile_any(
    float *y, float *state, const scan_input *input, const scan_weights *weights,
    const scan_batch *batch, size_t index, scan_tile tile) {
  const float *A = weights->A + tile.first * tile.states;
  float *tile_state = state + tile.first * tile.states;
  f32x16 D = load_lanes(weights->D + tile.first, tile.lanes);
  for (size_t t = 0; t < batch->tokens; ++t) {
    size_t token = batch->first_token + t;
    f32x16 x = batch->x[t][index], step = batch->steps[t][index], sum = D * x;
    scan_drive drive = scan_drive_from(step, x);
    for (size_t first = 0; first < tile.states; first += VK_LANES) {
      float B_buffer[VK_LANES], C_buffer[VK_LANES];
      float *states = tile_state + first * VK_LANES;
      size_t rest = tile.states - first, count = rest < VK_LANES ? rest : VK_LANES, n = 0;
      drive.A = A + first * VK_LANES;
      drive.B = scan_B(input, token, first, tile.states, B_buffer);
      drive.C = scan_C(input, token, first, tile.states, C_buffer);
      // Unrolled, the compiler would finish one power after the other.
#pragma clang loop unroll(disable)
      for (; n + VK_POWERS_AT_ONCE <= count; n += VK_POWERS_AT_ONCE) {
        scan_advance_stored(states + n * VK_LANES, &sum, &drive, n, VK_POWERS_AT_ONCE);
      }
      for (; n < count; ++n) scan_advance_stored(states + n * VK_LANES, &sum, &drive, n, 1);
    }
    if (input->rounds_state) {
      scan_round_state(tile_state, A, step, input->given.lasting, tile.states);
    }
    scan_store(y, input, sum, token, tile);
  }
}

/// Brings a tile past the tokens of a batch.
VK_INLINE void scan_one_tile(
    float *y, float *state, const scan_input *input, const scan_weights *weights,
    const scan_batch *batch, size_t index, scan_tile tile) {
#ifdef VK_HOLDS_STATES
  if (tile.states == VK_HELD_STATES && !input->rounds_state) {
    scan_tile_held(y, state, input, weights, batch, index, tile);
    return;
  }
#endif
  scan_tile_any(y, state, input, weights, batch, index, tile);
}

VK_INLINE void scan_tiles(
    float *y, float *state, const scan_input *input, const scan_weights *weights, size_t tokens,
    size_t channels, size_t states, size_t first_tile, size_t tile_count) {
  for (size_t done = 0; done < tile_count; done += VK_BATCH_TILES) {
    size_t count = tile_count - done < VK_BATCH_TILES ? tile_count - done : VK_BATCH_TILES;
    scan_tile tiles[VK_BATCH_TILES];
    for (size_t i = 0; i < count; ++i) {
      size_t first = (first_tile + done + i) * VK_LANES, rest = channels - first;
      tiles[i] = (scan_tile){
          first, rest < VK_LANES ? rest : VK_LANES, channels, states, first_tile * VK_LANES};
    }
    for (size_t t = 0; t < tokens; t += VK_BATCH_TOKENS) {
      scan_batch batch;
      batch.first_token = t;
      batch.tokens = tokens - t < VK_BATCH_TOKENS ? tokens - t : VK_BATCH_TOKENS;
      scan_prepare(&batch, input, weights->bias, tiles, count);
      for (size_t i = 0; i < count; ++i) {
        scan_one_tile(y, state, input, weights, &batch, i, tiles[i]);
      }
    }
  }
}

static void VK(selective_scan)(
    float *y, float *state, const vk_scan *scan, size_t tokens, size_t channels, size_t states,
    size_t first_tile, size_t tile_count) {
  const scan_weights weights = {scan->A, scan->D, scan->time_step_bias};
  const int from_codes = scan->x_codes != NULL;
#define VK_SCAN_AS(codes, rounds) \
  do { \
    const scan_input input = {.given = *scan, .from_codes = codes, .rounds_state = rounds}; \
    scan_tiles(y, state, &input, &weights, tokens, channels, states, first_tile, tile_count); \
  } while (0)
  if (from_codes && scan->rounds_state) VK_SCAN_AS(1, 1);
  else if (from_codes) VK_SCAN_AS(1, 0);
  else if (scan->rounds_state) VK_SCAN_AS(0, 1);
  else VK_SCAN_AS(0, 0);
#undef VK_SCAN_AS
}
