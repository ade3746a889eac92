// The kernels for any processor, and the definition of what the others compute.
#include "tables.h"

#define VK_SUFFIX portable
#define VK_HAS_FMA 0
#define VK_HAS_HALF 0
#define VK_HAS_ROUNDING 0
#define VK_HAS_GATHER 0
#define VK_TOKENS_AT_ONCE 4
#pragma clang diagnostic ignored "-Wpsabi"  // wide vectors pass between inlined functions only

#include "loops/all.inc.h"
