// The kernels for AArch64, whose base instruction set has fused multiply-add and half conversion.
#if defined(__aarch64__)
#include "tables.h"

#define VK_SUFFIX neon
#define VK_HAS_FMA 1
#define VK_HAS_HALF 1
#define VK_HAS_ROUNDING 1
#define VK_HAS_GATHER 0
#define VK_TOKENS_AT_ONCE 4

#include "loops/all.inc.h"
#else
typedef int vk_no_neon;
#endif
