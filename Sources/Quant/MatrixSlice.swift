/// Some columns of a matrix, not copied.
public struct MatrixSlice: Sendable {
  /// The whole matrix.
  public let matrix: Matrix
  /// The columns that count.
  public let columns: Range<Int>

  /// Takes columns of a matrix.
  ///
  /// - Precondition: the matrix has the columns.
  public init(_ matrix: Matrix, columns: Range<Int>) {
    precondition(columns.lowerBound >= 0 && columns.upperBound <= matrix.columns, "no such columns")
    self.matrix = matrix
    self.columns = columns
  }

  /// Number of rows.
  public var rows: Int { matrix.rows }

  /// The columns as a matrix of their own.
  public var copied: Matrix { matrix.columns(columns) }

  /// Calls `body` with the address of the first of the columns in the first row; rows are `matrix.columns` apart.
  public func withStart(_ body: (UnsafePointer<Float>) -> Void) {
    unsafe matrix.values.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress else { return }
      unsafe body(start + columns.lowerBound)
    }
  }
}

extension Matrix {
  /// Columns of this matrix, not copied.
  public func slice(_ columns: Range<Int>) -> MatrixSlice { MatrixSlice(self, columns: columns) }

  /// All columns.
  public var slice: MatrixSlice { slice(0..<columns) }
}
