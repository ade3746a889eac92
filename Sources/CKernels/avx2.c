// The kernels for x86-64 with AVX2, FMA and F16C.
#if defined(__x86_64__)
#include "tables.h"

#define VK_SUFFIX avx2
#define VK_HAS_FMA 1
#define VK_HAS_HALF 1
#pragma clang diagnostic ignored "-Wpsabi"  // wide vectors pass between inlined functions only
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#include "loops/all.inc.h"

#pragma clang attribute pop
#else
typedef int vk_no_avx2;
#endif
