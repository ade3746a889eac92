// Decoding of rANS: docs/format.md, "rANS".

#include "../rans.h"

/// What a slot stands for: bits 0 to 7 the symbol, 8 to 19 its frequency less one, 20 to 31 the slot
/// less the symbol's first one.
typedef uint32_t VK(rans_slot);

/// Reads the table of frequencies and returns its end, or NULL if it is none.
static const uint8_t *VK(rans_table)(
    VK(rans_slot) slots[RANS_SLOTS], const uint8_t *in, const uint8_t *end) {
  uint32_t filled = 0, symbol = 0;
  while (filled < RANS_SLOTS) {
    if (in == end || symbol >= RANS_SYMBOLS) return NULL;
    uint32_t frequency = *in++;
    if (frequency == 0 || frequency >= 128) {
      if (in == end) return NULL;
      uint32_t second = *in++;
      if (frequency == 0) {
        symbol += second + 1;
        continue;
      }
      frequency = ((frequency & 127) << 8 | second) + 128;
    }
    if (frequency > RANS_SLOTS - filled) return NULL;
    for (uint32_t i = 0; i < frequency; ++i) {
      slots[filled + i] = symbol | (frequency - 1) << 8 | i << 20;
    }
    filled += frequency;
    ++symbol;
  }
  return in;
}

/// Takes a byte out of a state, which may then be too small.
VK_INLINE uint8_t VK(rans_take)(uint32_t *state, const VK(rans_slot) slots[RANS_SLOTS]) {
  uint32_t x = *state, slot = slots[x % RANS_SLOTS];
  *state = ((slot >> 8) % RANS_SLOTS + 1) * (x >> RANS_BITS) + (slot >> 20);
  return (uint8_t)slot;
}

#if VK_HAS_GATHER
/// For each set of eight states that are too small, which of the next words each of them gets.
static void VK(rans_places)(uint64_t places[256]) {
  for (unsigned set = 0; set < 256; ++set) {
    uint64_t place = 0;
    places[set] = 0;
    for (int lane = 0; lane < 8; ++lane) {
      places[set] |= place << 8 * lane;
      place += set >> lane & 1;
    }
  }
}

/// Decodes whole rounds of a byte for each state, as long as there are words for any round. Returns
/// how many bytes.
static size_t VK(rans_rounds)(
    uint8_t *out, size_t count, uint32_t states[RANS_LANES], const VK(rans_slot) slots[RANS_SLOTS],
    const uint8_t **words, const uint8_t *end) {
  enum { VECTORS = RANS_LANES / 8, ROUND_BYTES = 2 * RANS_LANES };
  if (count < RANS_LANES) return 0;
  uint64_t places[256];
  VK(rans_places)(places);
  const uint8_t *in = *words;
  const __m256i low = _mm256_set1_epi32(RANS_SLOTS - 1), zero = _mm256_setzero_si256();
  __m256i x[VECTORS], symbols[VECTORS];
  VK_UNROLL for (int v = 0; v < VECTORS; ++v) {
    x[v] = _mm256_loadu_si256((const __m256i *)(states + 8 * v));
  }
  size_t done = 0;
  for (; count - done >= RANS_LANES && end - in >= ROUND_BYTES; done += RANS_LANES) {
    VK_UNROLL for (int v = 0; v < VECTORS; ++v) {
      const __m256i slot =
          _mm256_i32gather_epi32((const int *)slots, _mm256_and_si256(x[v], low), 4);
      const __m256i quotient = _mm256_srli_epi32(x[v], RANS_BITS);
      const __m256i less = _mm256_and_si256(_mm256_srli_epi32(slot, 8), low);
      symbols[v] = _mm256_and_si256(slot, _mm256_set1_epi32(RANS_SYMBOLS - 1));
      x[v] = _mm256_add_epi32(
          _mm256_mullo_epi32(less, quotient),
          _mm256_add_epi32(quotient, _mm256_srli_epi32(slot, 20)));
    }
    VK_UNROLL for (int v = 0; v < VECTORS; ++v) {
      const __m256i small = _mm256_cmpeq_epi32(_mm256_srli_epi32(x[v], RANS_WORD_BITS), zero);
      const unsigned set = (unsigned)_mm256_movemask_ps((__m256)small);
      const __m256i next = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)in));
      const __m256i place = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(places + set)));
      const __m256i filled = _mm256_or_si256(
          _mm256_slli_epi32(x[v], RANS_WORD_BITS), _mm256_permutevar8x32_epi32(next, place));
      x[v] = _mm256_blendv_epi8(x[v], filled, small);
      in += 2 * __builtin_popcount(set);
    }
    // Packing leaves fours of symbols in the order 0, 2, 4, 6, 1, 3, 5, 7.
    const __m256i packed = _mm256_packus_epi16(
        _mm256_packus_epi32(symbols[0], symbols[1]), _mm256_packus_epi32(symbols[2], symbols[3]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(
        (__m256i *)(out + done), _mm256_permutevar8x32_epi32(packed, order));
  }
  VK_UNROLL for (int v = 0; v < VECTORS; ++v) {
    _mm256_storeu_si256((__m256i *)(states + 8 * v), x[v]);
  }
  *words = in;
  return done;
}
#else
/// Decodes whole rounds of a byte for each state, as long as there are words for any round. Returns
/// how many bytes.
static size_t VK(rans_rounds)(
    uint8_t *out, size_t count, uint32_t states[RANS_LANES], const VK(rans_slot) slots[RANS_SLOTS],
    const uint8_t **words, const uint8_t *end) {
  enum { ROUND_BYTES = 2 * RANS_LANES };
  const uint8_t *in = *words;
  size_t done = 0;
  for (; count - done >= RANS_LANES && end - in >= ROUND_BYTES; done += RANS_LANES) {
    VK_UNROLL for (int lane = 0; lane < RANS_LANES; ++lane) {
      uint32_t x = states[lane];
      out[done + lane] = VK(rans_take)(&x, slots);
      const uint32_t filled = x << RANS_WORD_BITS | in[0] | (uint32_t)in[1] << 8;
      const int is_small = x < RANS_LOWEST;
      states[lane] = is_small ? filled : x;
      in += 2 * is_small;
    }
  }
  *words = in;
  return done;
}
#endif

/// Reads the states and returns their end, or NULL if they are none.
static const uint8_t *VK(rans_states)(
    uint32_t states[RANS_LANES], const uint8_t *in, const uint8_t *end) {
  if (end - in < RANS_STATE_BYTES) return NULL;
  for (size_t lane = 0; lane < RANS_LANES; ++lane, in += 4) {
    states[lane] = in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
    if (states[lane] < RANS_LOWEST) return NULL;
  }
  return in;
}

/// Decodes a run and returns the end of its words, or NULL if they end too early.
static const uint8_t *VK(rans_run)(
    uint8_t *out, size_t count, uint32_t states[RANS_LANES], const VK(rans_slot) slots[RANS_SLOTS],
    const uint8_t *words, const uint8_t *end) {
  size_t done = VK(rans_rounds)(out, count, states, slots, &words, end);
  for (; done < count; ++done) {
    uint32_t *state = states + done % RANS_LANES;
    out[done] = VK(rans_take)(state, slots);
    if (*state >= RANS_LOWEST) continue;
    if (end - words < 2) return NULL;
    *state = *state << RANS_WORD_BITS | words[0] | (uint32_t)words[1] << 8;
    words += 2;
  }
  return words;
}

static int VK(rans_decode)(
    uint8_t *out, const size_t *lengths, size_t runs, const uint8_t *in, size_t in_count) {
  VK(rans_slot) slots[RANS_SLOTS];
  uint32_t states[RANS_LANES];
  const uint8_t *const end = in + in_count;
  for (size_t run = 0; run < runs; ++run) {
    in = VK(rans_table)(slots, in, end);
    // The states lie behind the first table.
    if (in && run == 0) in = VK(rans_states)(states, in, end);
    if (in) in = VK(rans_run)(out, lengths[run], states, slots, in, end);
    if (!in) return 0;
    out += lengths[run];
  }
  uint32_t differences = 0;
  for (size_t lane = 0; lane < RANS_LANES; ++lane) differences |= states[lane] ^ RANS_LOWEST;
  return in == end && differences == 0;
}
