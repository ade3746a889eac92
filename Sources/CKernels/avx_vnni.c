// The kernels for x86-64 with AVX2, FMA, F16C and AVX-VNNI: the products of bytes that AVX-512 has,
// without its registers.
#if defined(__x86_64__)
#include "avx_halves.h"

#define VK_SUFFIX avx_vnni
#define VK_NAME "avx-vnni"
#define VK_DOT_HALF(sum, u, s) \
  (i32x8)_mm256_dpbusd_avx_epi32((__m256i)(sum), (__m256i)(u), (__m256i)(s))
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)

#include "loops/all.inc.h"

#pragma clang attribute pop
#else
typedef int vk_no_avx_vnni;
#endif
