/// A dense matrix of 32-bit floats, row-major. Activations are `[tokens, channels]`.
public struct Matrix: Sendable, Equatable {
  /// Number of rows.
  public let rows: Int
  /// Number of columns.
  public let columns: Int
  /// Row-major elements, `rows * columns` of them.
  public var values: [Float]

  /// Wraps elements that are already row-major.
  ///
  /// - Precondition: `values.count == rows * columns`.
  public init(rows: Int, columns: Int, values: [Float]) {
    precondition(values.count == rows * columns, "a matrix needs rows * columns elements")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// A matrix of zeros.
  public init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, values: [Float](repeating: 0, count: rows * columns))
  }

  /// A copy of the columns in `range`, for splitting a fused projection: `[rows, range.count]`.
  public func columns(_ range: Range<Int>) -> Matrix {
    var part = [Float]()
    part.reserveCapacity(rows * range.count)
    for row in 0..<rows {
      let start = row * columns
      part += values[start + range.lowerBound..<start + range.upperBound]
    }
    return Matrix(rows: rows, columns: range.count, values: part)
  }

  /// A copy of the rows in `range`: `[range.count, columns]`.
  public func rows(_ range: Range<Int>) -> Matrix {
    Matrix(
      rows: range.count, columns: columns,
      values: Array(values[range.lowerBound * columns..<range.upperBound * columns]))
  }
}

extension Matrix {
  /// Adds another matrix of the same shape, element by element.
  public mutating func add(_ other: Matrix) {
    precondition(rows == other.rows && columns == other.columns, "shapes must agree")
    for index in values.indices { values[index] += other.values[index] }
  }

  /// Multiplies every element.
  public mutating func scale(by factor: Float) {
    for index in values.indices { values[index] *= factor }
  }

  /// Multiplies every element by the factor of its column.
  public mutating func scaleColumns(by factors: [Float]) {
    precondition(factors.count == columns, "one factor a column")
    for row in 0..<rows {
      for column in 0..<columns { values[row * columns + column] *= factors[column] }
    }
  }

  /// This matrix with the columns of another one of as many rows at the right.
  public func beside(_ other: Matrix) -> Matrix {
    precondition(rows == other.rows, "as many rows")
    var joined = [Float]()
    joined.reserveCapacity(rows * (columns + other.columns))
    for row in 0..<rows {
      joined += values[row * columns..<(row + 1) * columns]
      joined += other.values[row * other.columns..<(row + 1) * other.columns]
    }
    return Matrix(rows: rows, columns: columns + other.columns, values: joined)
  }

  /// A copy whose row `i` is row `order[i]` of this one.
  public func permutingRows(_ order: [Int]) -> Matrix {
    var permuted = [Float]()
    permuted.reserveCapacity(order.count * columns)
    for row in order { permuted += values[row * columns..<(row + 1) * columns] }
    return Matrix(rows: order.count, columns: columns, values: permuted)
  }
}
