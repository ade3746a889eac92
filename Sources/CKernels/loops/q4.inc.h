// The sizes of q4, whose layout include/weights.h describes.

enum { VK_GROUP = 16, VK_SUPER_BLOCK = 256, VK_GROUPS = VK_SUPER_BLOCK / VK_GROUP };

VK_INLINE f32x16 widen_codes(i8x16 codes) { return __builtin_convertvector(codes, f32x16); }
