/// The second moments of the inputs of a matrix, `H = Σ_t a_t · x_t · x_tᵀ`, with a weight `a_t` for each token.
///
/// For a change `e` of a row of the matrix, `e · H · eᵀ` is the squared change of the row's outputs, summed over the
/// tokens (OBQ, arXiv:2208.11580). Sums run in single precision over 2,048 tokens and in double precision beyond.
public struct Hessian: Sendable {
  /// Tokens that are summed in single precision.
  static let panelTokens = 2048
  /// Rows of `H` that one task computes.
  private static let rowsPerTask = 128

  /// Inputs of the matrix.
  public let columns: Int
  /// Tokens that were added, whatever their weight.
  public private(set) var tokens = 0
  /// The upper triangle, row-major in `[columns, columns]`; below the diagonal are zeros.
  private(set) var upper: [Double]

  /// Starts without tokens.
  public init(columns: Int) {
    self.columns = columns
    upper = [Double](repeating: 0, count: columns * columns)
  }

  /// Takes up what was gathered before; nothing unless there are `columns · (columns + 1) / 2` values.
  ///
  /// - Parameter triangle: the upper triangle with its diagonal, row after row.
  public init?(columns: Int, tokens: Int, triangle: [Double]) {
    guard columns >= 0, triangle.count == Self.triangleCount(columns: columns) else { return nil }
    self.init(columns: columns)
    self.tokens = tokens
    var next = 0
    for row in 0..<columns {
      for column in row..<columns {
        upper[row * columns + column] = triangle[next]
        next += 1
      }
    }
  }

  /// The upper triangle with its diagonal, row after row, from which the moments can be taken up again.
  public var triangle: [Double] {
    (0..<columns).flatMap { upper[$0 * columns + $0..<($0 + 1) * columns] }
  }

  /// Values in the upper triangle with its diagonal.
  public static func triangleCount(columns: Int) -> Int { columns * (columns + 1) / 2 }

  /// The mean square of every input, times the number of tokens.
  public var diagonal: [Double] { (0..<columns).map { upper[$0 * columns + $0] } }

  /// Adds inputs `[tokens, columns]`.
  ///
  /// - Parameter weights: one for each token; 1 if absent.
  public mutating func add(_ inputs: Matrix, weights: [Float]? = nil, threads pool: ThreadPool) {
    precondition(inputs.columns == columns, "inputs of another matrix")
    precondition(weights.map { $0.count == inputs.rows } ?? true, "one weight a token")
    for first in stride(from: 0, to: inputs.rows, by: Self.panelTokens) {
      let rows = first..<min(first + Self.panelTokens, inputs.rows)
      var panel = inputs.rows(rows)
      if let weights { panel.scaleRows(by: weights[rows].map { $0.squareRoot() }) }
      add(panel: panel, pool)
    }
    tokens += inputs.rows
  }

  /// Adds inputs that have nothing to do with each other, of the given share of the mean square.
  public mutating func addIsotropic(share: Double) {
    let mean = diagonal.reduce(0, +) / Double(max(1, columns))
    for index in 0..<columns { upper[index * columns + index] += share * mean }
  }

  private mutating func add(panel: Matrix, _ pool: ThreadPool) {
    let tasks = (columns + Self.rowsPerTask - 1) / Self.rowsPerTask
    let stripes = pool.map(tasks) { [columns] task in
      let first = task * Self.rowsPerTask
      return panel.products(
        of: first..<min(first + Self.rowsPerTask, columns), with: panel, first..<columns)
    }
    for (task, stripe) in stripes.enumerated() {
      let first = task * Self.rowsPerTask
      for row in 0..<stripe.rows {
        let (from, to) = (row * stripe.columns, (first + row) * columns + first)
        for column in row..<stripe.columns {
          upper[to + column] += Double(stripe.values[from + column])
        }
      }
    }
  }
}

extension Matrix {
  /// Multiplies every element by the factor of its row.
  mutating func scaleRows(by factors: [Float]) {
    for (row, factor) in factors.enumerated() where factor != 1 {
      for index in row * columns..<(row + 1) * columns { values[index] *= factor }
    }
  }

  /// The products of some columns with some of another matrix of as many rows, summed over rows.
  func products(of range: Range<Int>, with other: Matrix, _ others: Range<Int>) -> Matrix {
    let products = unsafe [Float](unsafeUninitializedCapacity: range.count * others.count) {
      buffer, count in
      unsafe values.withUnsafeBufferPointer { values in
        unsafe other.values.withUnsafeBufferPointer { otherValues in
          guard let left = values.baseAddress, let right = otherValues.baseAddress,
            let output = buffer.baseAddress
          else { return }
          unsafe MatrixProduct.multiplyLeftTransposed(
            left: left + range.lowerBound, leftStride: columns, right: right + others.lowerBound,
            rightStride: other.columns, output: output, outputStride: others.count,
            rows: range.count, columns: others.count, inner: rows)
          count = range.count * others.count
        }
      }
    }
    return Matrix(rows: range.count, columns: others.count, values: products)
  }
}
