/// Bytes that follow each other in a matrix of bytes, row by row; the first and the last row may be incomplete.
struct MatrixPart: Sendable, Equatable {
  /// How many bytes.
  let byteCount: Int
  /// Bytes of a row of the matrix, at least 1.
  let width: Int
  /// The column of the first byte.
  let firstColumn: Int

  /// How many rows have at least one of the bytes.
  var rowCount: Int { (firstColumn + byteCount + width - 1) / width }

  /// The bytes of a row.
  func bytes(ofRow row: Int) -> Range<Int> {
    max(0, row * width - firstColumn)..<min(byteCount, (row + 1) * width - firstColumn)
  }

  /// How many bytes a column has.
  func byteCount(ofColumn column: Int) -> Int {
    // Rows from the first one up to the one in which the column's next byte would lie behind the end.
    let before = column < firstColumn ? 1 : 0
    let end = (firstColumn + byteCount - column + width - 1) / width
    return max(0, end - before)
  }
}
