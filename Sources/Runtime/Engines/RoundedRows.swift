import CKernels
public import Quant

/// Rows of numbers as signed bytes, with a scale for each row and group of columns.
///
/// The scale is the largest magnitude of a group divided by 127. Groups of 32 columns have the codes that
/// `RoundedInputs` gives them in products.
public struct RoundedRows: Sendable, Equatable {
  /// Number of rows (tokens).
  public let rows: Int
  /// Number of columns.
  public let columns: Int
  /// Columns that share a scale.
  public let groupSize: Int
  /// Row-major codes in −127…127.
  public let values: [Int8]
  /// Row-major scales, `[rows, groups]`.
  public let scales: [Float]

  /// Groups in a row; the last may be short.
  public var groups: Int { (columns + groupSize - 1) / groupSize }

  /// Rounds to nearest, ties to even.
  ///
  /// - Precondition: `groupSize` is at least one.
  public init(_ slice: MatrixSlice, groupSize: Int) {
    precondition(groupSize >= 1, "a group has columns")
    rows = slice.rows
    columns = slice.columns.count
    self.groupSize = groupSize
    let groups = (columns + groupSize - 1) / groupSize
    var values = [Int8](repeating: 0, count: rows * columns)
    var scales = [Float](repeating: 0, count: rows * groups)
    unsafe slice.withStart { start in
      unsafe vk_round_rows(
        &values, &scales, start, slice.matrix.columns, slice.rows, slice.columns.count, groupSize)
    }
    self.values = values
    self.scales = scales
  }

  /// The numbers that the codes stand for.
  public var widened: Matrix {
    Matrix(rows: rows, columns: columns) { output in
      unsafe vk_widen_rows(output.start, values, scales, rows, columns, groupSize)
    }
  }

  /// Calls `body` with where codes and scales lie.
  func withStarts(_ body: (UnsafePointer<Int8>?, UnsafePointer<Float>?) -> Void) {
    unsafe values.withUnsafeBufferPointer { values in
      unsafe scales.withUnsafeBufferPointer { scales in
        unsafe body(values.baseAddress, scales.baseAddress)
      }
    }
  }
}
