/// Entropy coding.
#ifndef CKERNELS_COMPRESSION_H
#define CKERNELS_COMPRESSION_H

#include <stddef.h>
#include <stdint.h>

// Compression: rANS, byte by byte, as docs/format.md defines it. Streams are the same bytes whatever
// the instruction set.

/// Bytes that `vk_rans_encode` may need for that many.
size_t vk_rans_bound(size_t count);

/// Compresses bytes, fewer than 2^32, to about their order-0 entropy. Returns the stream's length, 0 if
/// there are no bytes.
///
/// - out: `vk_rans_bound(count)` bytes.
size_t vk_rans_encode(uint8_t *out, const uint8_t *bytes, size_t count);

/// Returns 1 if `in` is the stream of `count` bytes, which then are in `out`, else 0; `in` may be
/// anything.
int vk_rans_decode(uint8_t *out, size_t count, const uint8_t *in, size_t in_count);

#endif
