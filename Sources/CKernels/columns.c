// Columns of a matrix apart and together again, for any processor.
#include "include/CKernels.h"

typedef struct {
  size_t first, end;
} range;

/// Which of the columns, in ascending order, a row has that starts at `row`, of a part of `count` bytes from
/// `offset` on: all of them, but for the first and the last row.
static range columns_of_row(
    size_t row, size_t count, size_t offset, const uint32_t *columns, size_t column_count) {
  range found = {0, column_count};
  while (found.first < found.end && row + columns[found.first] < offset) ++found.first;
  while (found.first < found.end && row + columns[found.end - 1] >= offset + count) --found.end;
  return found;
}

size_t vk_take_columns(
    uint8_t *out, const uint8_t *bytes, size_t count, size_t width, size_t offset,
    const uint32_t *columns, size_t column_count) {
  size_t done = 0;
  for (size_t row = 0; row < offset + count; row += width) {
    const range part = columns_of_row(row, count, offset, columns, column_count);
    for (size_t i = part.first; i < part.end; ++i) out[done++] = bytes[row + columns[i] - offset];
  }
  return done;
}

size_t vk_put_columns(
    uint8_t *bytes, size_t count, const uint8_t *in, size_t width, size_t offset,
    const uint32_t *columns, size_t column_count) {
  size_t done = 0;
  for (size_t row = 0; row < offset + count; row += width) {
    const range part = columns_of_row(row, count, offset, columns, column_count);
    for (size_t i = part.first; i < part.end; ++i) bytes[row + columns[i] - offset] = in[done++];
  }
  return done;
}
