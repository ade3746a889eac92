import CKernels
package import Quant

/// A tensor of a rounded model, and what may be learned of it: a few numbers that begin at zero.
package struct LearnableTensor: Sendable {
  /// What is learned.
  package enum Form: Sendable {
    /// How much larger each scale is, and each step of a column, as a share; codes stay.
    case scales(any RescalableEncoding)
    /// How far each number moves, in root mean squares of all of them. They are rounded wherever they are used, and
    /// derivatives pass as if they were not.
    case numbers(any Encoding)
    /// Nothing.
    case fixed
  }

  package let name: String
  package let rows: Int
  package let columns: Int
  package let form: Form
  /// The encoded tensor.
  package let encoded: EncodedMatrix
  /// What is learned moves these, `[rows, columns]`: decoded values, or numbers before they were rounded.
  private let start: [Float]
  /// How far one unit of what is learned moves a number.
  private let unit: Float

  /// - Parameter original: the values before they were encoded.
  package init(name: String, encoded: EncodedMatrix, original: [Float], form: Form) {
    self.name = name
    self.encoded = encoded
    (rows, columns) = (encoded.rows, encoded.columns)
    self.form = form
    if case .numbers = form {
      start = original
      let squares = original.reduce(0.0) { $0 + Double($1) * Double($1) }
      unit = Float((squares / Double(max(1, original.count))).squareRoot())
    } else {
      start = encoded.expanded().values
      unit = 1
    }
  }

  /// Numbers that are learned: for scales those of the scales first, then those of the columns.
  package var parameterCount: Int {
    switch form {
    case .scales(let encoding):
      rows * encoding.blocks(columns: columns) + (encoding.hasColumnSteps ? columns : 0)
    case .numbers: start.count
    case .fixed: 0
    }
  }

  /// The values that the model gets.
  package func values(_ parameters: ArraySlice<Float>) throws -> Matrix {
    switch form {
    case .scales(let encoding):
      var matrix = Matrix(rows: rows, columns: columns)
      let (factors, steps) = factors(encoding, parameters)
      unsafe vk_apply_factors(
        &matrix.values, start, factors, steps, rows, columns, encoding.blockColumns)
      return matrix
    case .numbers(let encoding):
      return try EncodedMatrix(moved(parameters), encoding: encoding).expanded()
    case .fixed: return Matrix(rows: rows, columns: columns, values: start)
    }
  }

  /// The derivatives in the parameters, from those in the values.
  package func derivatives(_ gradient: Matrix, at parameters: ArraySlice<Float>) -> [Float] {
    switch form {
    case .scales(let encoding):
      let (factors, steps) = factors(encoding, parameters)
      var inFactors = [Float](repeating: 0, count: factors.count)
      var inSteps = [Float](repeating: 0, count: steps?.count ?? 0)
      unsafe vk_factor_gradient(
        &inFactors, &inSteps, gradient.values, start, factors, steps, rows, columns,
        encoding.blockColumns)
      return inFactors + inSteps
    case .numbers: return gradient.values.map { $0 * unit }
    case .fixed: return []
    }
  }

  /// The tensor with what was learned, encoded.
  package func encoded(_ parameters: ArraySlice<Float>) throws -> EncodedMatrix {
    switch form {
    case .scales(let encoding):
      let (factors, steps) = factors(encoding, parameters)
      return try EncodedMatrix(
        encoding: encoding, rows: rows, columns: columns,
        planes: encoding.rescaled(
          encoded.planes, factors: factors, columnFactors: steps ?? []))
    case .numbers(let encoding):
      return try EncodedMatrix(moved(parameters), encoding: encoding)
    case .fixed: return encoded
    }
  }

  private func factors(
    _ encoding: any RescalableEncoding, _ parameters: ArraySlice<Float>
  ) -> (scales: [Float], columns: [Float]?) {
    let factors = parameters.map { 1 + $0 }
    guard encoding.hasColumnSteps else { return (factors, nil) }
    let scales = rows * encoding.blocks(columns: columns)
    return (Array(factors[..<scales]), Array(factors[scales...]))
  }

  private func moved(_ parameters: ArraySlice<Float>) -> Matrix {
    Matrix(
      rows: rows, columns: columns, values: zip(start, parameters).map { $0 + unit * $1 })
  }
}
