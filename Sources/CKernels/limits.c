// What the machine can do at most, to hold the speed of models against: loops that only read, or
// only multiply bytes. They use the best instructions that the processor has, whichever kernels are
// chosen.
#include "include/CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
#include <string.h>

#pragma clang diagnostic ignored "-Wpsabi"  // wide vectors pass between inlined functions only

#define VK_INLINE static inline __attribute__((always_inline))
#define VK_UNROLL _Pragma("clang loop unroll(full)")

enum {
  CHAINS = 12,       // sums that do not wait for each other, enough for two units of five cycles
  PLAIN_WIDTH = 64,  // products of a round without an instruction for them
};

typedef uint64_t u64x8 __attribute__((ext_vector_type(8)));

VK_INLINE uint64_t read_all(const uint8_t *bytes, size_t count) {
  u64x8 sums = 0;
  size_t i = 0;
  for (; i + sizeof sums <= count; i += sizeof sums) {
    u64x8 value;
    memcpy(&value, bytes + i, sizeof value);
    sums ^= value;
  }
  uint64_t result = 0;
  for (int lane = 0; lane < 8; ++lane) result ^= sums[lane];
  for (; i < count; ++i) result ^= (uint64_t)bytes[i] << i % 8 * 8;
  return result;
}

static uint64_t read_plain(const uint8_t *bytes, size_t count) { return read_all(bytes, count); }

static int32_t dot_plain(size_t rounds) {
  uint8_t bytes[PLAIN_WIDTH];
  memset(bytes, 1, sizeof bytes);
  int32_t sum = 0;
  for (size_t round = 0; round < rounds; ++round) {
    const uint8_t *left = bytes;
    const int8_t *right = (const int8_t *)bytes;
    // The compiler must not take the bytes for those of the last round.
    __asm__ volatile("" : "+r"(left), "+r"(right) : : "memory");
    for (int i = 0; i < PLAIN_WIDTH; ++i) sum += left[i] * right[i];
  }
  return sum;
}

#if defined(__x86_64__)
#define VK_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"), min_vector_width(512)))
#define VK_AVX2 __attribute__((target("avx2")))
#define VK_AVX_VNNI __attribute__((target("avx2,avxvnni")))

VK_AVX512 static uint64_t read_avx512(const uint8_t *bytes, size_t count) {
  return read_all(bytes, count);
}

VK_AVX2 static uint64_t read_avx2(const uint8_t *bytes, size_t count) {
  return read_all(bytes, count);
}

VK_AVX512 static int32_t dot_avx512(size_t rounds) {
  __m512i sums[CHAINS];
  for (int i = 0; i < CHAINS; ++i) sums[i] = _mm512_setzero_si512();
  const __m512i one = _mm512_set1_epi8(1);
  for (size_t round = 0; round < rounds; ++round) {
    VK_UNROLL for (int i = 0; i < CHAINS; ++i) {
      sums[i] = _mm512_dpbusd_epi32(sums[i], one, one);
    }
  }
  __m512i sum = sums[0];
  for (int i = 1; i < CHAINS; ++i) sum = _mm512_add_epi32(sum, sums[i]);
  return _mm512_reduce_add_epi32(sum);
}

/// The sum of all lanes of some vectors.
VK_AVX2 static int32_t sum_halves(const __m256i *vectors, int count) {
  __m256i sum = vectors[0];
  for (int i = 1; i < count; ++i) sum = _mm256_add_epi32(sum, vectors[i]);
  int32_t lanes[8], total = 0;
  memcpy(lanes, &sum, sizeof lanes);
  for (int i = 0; i < 8; ++i) total += lanes[i];
  return total;
}

VK_AVX2 static int32_t dot_avx2(size_t rounds) {
  __m256i sums[CHAINS / 2];  // their sums take one cycle; there are 16 registers
  for (int i = 0; i < CHAINS / 2; ++i) sums[i] = _mm256_setzero_si256();
  __m256i left = _mm256_set1_epi8(1);
  const __m256i right = left, one = _mm256_set1_epi16(1);
  for (size_t round = 0; round < rounds; ++round) {
    VK_UNROLL for (int i = 0; i < CHAINS; ++i) {
      // The compiler must not take the bytes for those of the last product.
      __asm__ volatile("" : "+x"(left));
      const __m256i products = _mm256_madd_epi16(_mm256_maddubs_epi16(left, right), one);
      sums[i / 2] = _mm256_add_epi32(sums[i / 2], products);
    }
  }
  return sum_halves(sums, CHAINS / 2);
}

VK_AVX_VNNI static int32_t dot_avx_vnni(size_t rounds) {
  __m256i sums[CHAINS];
  for (int i = 0; i < CHAINS; ++i) sums[i] = _mm256_setzero_si256();
  const __m256i one = _mm256_set1_epi8(1);
  for (size_t round = 0; round < rounds; ++round) {
    VK_UNROLL for (int i = 0; i < CHAINS; ++i) {
      sums[i] = _mm256_dpbusd_avx_epi32(sums[i], one, one);
    }
  }
  return sum_halves(sums, CHAINS);
}

#elif defined(__aarch64__)
__attribute__((target("dotprod"))) static int32_t dot_neon(size_t rounds) {
  int32x4_t sums[CHAINS];
  for (int i = 0; i < CHAINS; ++i) sums[i] = vdupq_n_s32(0);
  const int8x16_t one = vdupq_n_s8(1);
  for (size_t round = 0; round < rounds; ++round) {
    VK_UNROLL for (int i = 0; i < CHAINS; ++i) sums[i] = vdotq_s32(sums[i], one, one);
  }
  int32x4_t sum = sums[0];
  for (int i = 1; i < CHAINS; ++i) sum = vaddq_s32(sum, sums[i]);
  return vaddvq_s32(sum);
}
#endif

#if defined(__x86_64__) || defined(__aarch64__)
static int has(const char *instruction_set) { return vk_kernels_named(instruction_set) != NULL; }
#endif

uint64_t vk_read_pass(const void *bytes, size_t count) {
#if defined(__x86_64__)
  if (has("avx512")) return read_avx512(bytes, count);
  if (has("avx2")) return read_avx2(bytes, count);
#endif
  return read_plain(bytes, count);
}

int32_t vk_byte_dot_pass(size_t rounds) {
#if defined(__x86_64__)
  if (has("avx512")) return dot_avx512(rounds);
  if (has("avx-vnni")) return dot_avx_vnni(rounds);
  if (has("avx2")) return dot_avx2(rounds);
#elif defined(__aarch64__)
  if (has("neon-dotprod")) return dot_neon(rounds);
#endif
  return dot_plain(rounds);
}

size_t vk_byte_dot_products(void) {
#if defined(__x86_64__)
  if (has("avx512")) return CHAINS * 64;
  if (has("avx2")) return CHAINS * 32;
#elif defined(__aarch64__)
  if (has("neon-dotprod")) return CHAINS * 16;
#endif
  return PLAIN_WIDTH;
}
