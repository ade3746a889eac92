/// Entropy coding.
#ifndef CKERNELS_COMPRESSION_H
#define CKERNELS_COMPRESSION_H

#include <stddef.h>
#include <stdint.h>

// Compression: rANS, byte by byte, as docs/format.md defines it. Content is one or more runs of bytes, each
// with frequencies of its own; every run has a byte at least. Streams are the same bytes whatever the
// instruction set.

/// Bytes that `vk_rans_encode` may need for that many in so many runs.
size_t vk_rans_bound(size_t count, size_t runs);

/// Compresses runs of bytes, one after the other and together fewer than 2^32, each to about its order-0
/// entropy. Returns the stream's length.
///
/// - out: `vk_rans_bound(count, runs)` bytes.
/// - lengths: bytes of each run, none 0.
size_t vk_rans_encode(uint8_t *out, const uint8_t *bytes, const size_t *lengths, size_t runs);

/// Returns 1 if `in` is the stream of runs of these lengths, which then are in `out`, else 0; `in` may be
/// anything.
int vk_rans_decode(
    uint8_t *out, const size_t *lengths, size_t runs, const uint8_t *in, size_t in_count);

/// How often each byte occurs.
void vk_count_bytes(uint32_t counts[256], const uint8_t *bytes, size_t count);

/// Copies the bytes of some columns of a matrix one after the other, row by row. Returns how many.
///
/// - bytes: part of a matrix, rows one after the other; starts `offset` bytes after the start of a row.
/// - columns: numbers below `width`, ascending.
size_t vk_take_columns(
    uint8_t *out, const uint8_t *bytes, size_t count, size_t width, size_t offset,
    const uint32_t *columns, size_t column_count);

/// The reverse of `vk_take_columns`: fills these columns from `in`. Returns how many bytes it took.
size_t vk_put_columns(
    uint8_t *bytes, size_t count, const uint8_t *in, size_t width, size_t offset,
    const uint32_t *columns, size_t column_count);

#endif
