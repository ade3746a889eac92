// The encoder of rANS (Duda, arXiv:1311.2540), for any processor.
#include "rans.h"

#include <string.h>

enum {
  TABLE_BYTES = 2 * RANS_SYMBOLS,  // at most two bytes for each symbol
  WORD_BYTES = RANS_WORD_BITS / 8,
};

void vk_count_bytes(uint32_t counts[RANS_SYMBOLS], const uint8_t *bytes, size_t count) {
  // Equal bytes are frequent: four sets of counters, so that no addition waits for the one before.
  uint32_t parts[4][RANS_SYMBOLS];
  memset(parts, 0, sizeof parts);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (size_t part = 0; part < 4; ++part) ++parts[part][bytes[i + part]];
  }
  for (; i < count; ++i) ++parts[0][bytes[i]];
  for (size_t s = 0; s < RANS_SYMBOLS; ++s) {
    counts[s] = parts[0][s] + parts[1][s] + parts[2][s] + parts[3][s];
  }
}

/// The symbol for which `counts / (2 * frequencies + offset)` is largest, or least, among those with a
/// frequency of at least `least`; the first of equals.
static size_t best_symbol(
    const uint32_t *counts, const uint32_t *frequencies, uint32_t least, int32_t offset,
    int smallest) {
  size_t best = RANS_SYMBOLS;
  uint64_t best_count = 0, best_divisor = 1;
  for (size_t s = 0; s < RANS_SYMBOLS; ++s) {
    if (frequencies[s] < least) continue;
    uint64_t divisor = (uint64_t)((int64_t)(2 * frequencies[s]) + offset);
    uint64_t left = counts[s] * best_divisor, right = best_count * divisor;
    if (best == RANS_SYMBOLS || (smallest ? left < right : left > right)) {
      best = s;
      best_count = counts[s];
      best_divisor = divisor;
    }
  }
  return best;
}

/// Frequencies in proportion to counts, at least one for each symbol that occurs, adding up to
/// RANS_SLOTS.
///
/// A step of a frequency f changes the length by count * ln((f + 1) / f), which is close to
/// count / (f + 1/2).
static void normalize(uint32_t *frequencies, const uint32_t *counts, size_t count) {
  uint32_t sum = 0;
  for (size_t s = 0; s < RANS_SYMBOLS; ++s) {
    uint32_t share = (uint32_t)((uint64_t)counts[s] * RANS_SLOTS / count);
    frequencies[s] = counts[s] && !share ? 1 : share;
    sum += frequencies[s];
  }
  for (; sum < RANS_SLOTS; ++sum) ++frequencies[best_symbol(counts, frequencies, 1, 1, 0)];
  for (; sum > RANS_SLOTS; --sum) --frequencies[best_symbol(counts, frequencies, 2, -1, 1)];
}

/// Writes the table of frequencies and returns its end.
static uint8_t *write_table(uint8_t *out, const uint32_t *frequencies) {
  uint32_t sum = 0;
  for (size_t s = 0; sum < RANS_SLOTS; ++s) {
    uint32_t frequency = frequencies[s];
    sum += frequency;
    if (frequency == 0) {
      size_t first = s;
      while (frequencies[s + 1] == 0) ++s;  // stops, for the sum is not complete
      *out++ = 0;
      *out++ = (uint8_t)(s - first);
    } else if (frequency < 128) {
      *out++ = (uint8_t)frequency;
    } else {
      *out++ = (uint8_t)(128 | (frequency - 128) >> 8);
      *out++ = (uint8_t)(frequency - 128);
    }
  }
  return out;
}

size_t vk_rans_bound(size_t count, size_t runs) {
  return TABLE_BYTES * runs + RANS_STATE_BYTES + WORD_BYTES * count;
}

/// Encodes bytes into the states, the last one first, and writes what they give up before `words`. Returns
/// where that begins.
static uint8_t *encode_run(
    uint8_t *words, uint32_t states[RANS_LANES], const uint8_t *bytes, size_t count,
    const uint32_t *frequencies) {
  uint32_t starts[RANS_SYMBOLS], sum = 0;
  for (size_t s = 0; s < RANS_SYMBOLS; ++s) {
    starts[s] = sum;
    sum += frequencies[s];
  }
  for (size_t i = count; i-- > 0;) {
    uint32_t x = states[i % RANS_LANES];
    const uint32_t frequency = frequencies[bytes[i]];
    // A word is always written, and counts if the state would become too large; that cannot be foreseen.
    words[-2] = (uint8_t)x;
    words[-1] = (uint8_t)(x >> 8);
    const int is_large = x >> (32 - RANS_BITS) >= frequency;
    words -= WORD_BYTES * is_large;
    x >>= RANS_WORD_BITS * is_large;
    states[i % RANS_LANES] = (x / frequency << RANS_BITS) + x % frequency + starts[bytes[i]];
  }
  return words;
}

size_t vk_rans_encode(uint8_t *out, const uint8_t *bytes, const size_t *lengths, size_t runs) {
  size_t count = 0;
  for (size_t run = 0; run < runs; ++run) count += lengths[run];
  uint32_t counts[RANS_SYMBOLS], frequencies[RANS_SYMBOLS], states[RANS_LANES];
  for (size_t lane = 0; lane < RANS_LANES; ++lane) states[lane] = RANS_LOWEST;

  // Decoding reverses the order, so the stream is written from its end, the last run first.
  uint8_t table[TABLE_BYTES], *const end = out + vk_rans_bound(count, runs), *start = end;
  for (size_t run = runs; run-- > 0;) {
    count -= lengths[run];
    vk_count_bytes(counts, bytes + count, lengths[run]);
    normalize(frequencies, counts, lengths[run]);
    start = encode_run(start, states, bytes + count, lengths[run], frequencies);
    if (run == 0) break;
    const size_t table_bytes = (size_t)(write_table(table, frequencies) - table);
    start = (uint8_t *)memcpy(start - table_bytes, table, table_bytes);
  }

  uint8_t *next = write_table(out, frequencies);
  for (size_t lane = 0; lane < RANS_LANES; ++lane) {
    for (int shift = 0; shift < 32; shift += 8) *next++ = (uint8_t)(states[lane] >> shift);
  }
  memmove(next, start, (size_t)(end - start));
  return (size_t)(next - out) + (size_t)(end - start);
}
