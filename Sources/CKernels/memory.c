#include "include/CKernels.h"

#if defined(__linux__)
#include <malloc.h>
#endif

enum { VK_KEPT_BYTES = 256 << 20 };

void vk_keep_freed_memory(void) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, VK_KEPT_BYTES);
  mallopt(M_TRIM_THRESHOLD, VK_KEPT_BYTES);
#endif
}
