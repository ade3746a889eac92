/// The tables that this build holds.
#ifndef VK_TABLES_H
#define VK_TABLES_H

#include "include/CKernels.h"

extern const vk_table vk_table_portable;
#if defined(__x86_64__)
extern const vk_table vk_table_avx2, vk_table_avx_vnni, vk_table_avx512;
#elif defined(__aarch64__)
extern const vk_table vk_table_neon, vk_table_neon_dotprod;
#endif

#endif
