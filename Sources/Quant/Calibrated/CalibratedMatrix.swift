/// A matrix that was encoded with knowledge of its inputs.
public struct CalibratedMatrix: Sendable {
  /// What is known of the inputs.
  public enum Inputs: Sendable {
    /// How much each column counts.
    case importance([Float])
    /// How errors in different columns make up for each other.
    case moments(FeedbackFactor)
  }

  /// Rows that one task rounds.
  private static let rowsPerTask = 64

  /// The bytes of every plane.
  public let planes: [[UInt8]]
  /// The error of the weights.
  public let weightError: SquaredError
  /// The error of the outputs, if moments are known.
  public let outputError: SquaredError?

  /// Encodes `[rows, columns]` weights. The bytes do not depend on the number of threads.
  ///
  /// If the encoding rotates inputs, moments and correction are those of rotated ones.
  ///
  /// - Parameter correction: what the weights should be moved by before they are rounded; errors are those of the sum.
  /// - Throws: an error if weights have no place in the encoding.
  public init(
    _ values: [Float], rows: Int, columns: Int, encoding: any SteppedEncoding, inputs: Inputs,
    correction: Correction? = nil, threads pool: ThreadPool
  ) throws {
    try encoding.requireRepresentable(values, columns: columns)
    let values = Self.target(values, rows, columns, encoding, correction)
    try encoding.requireRepresentable(values, columns: columns)
    let tasks = (rows + Self.rowsPerTask - 1) / Self.rowsPerTask
    let parts = pool.map(tasks) { task in
      let first = task * Self.rowsPerTask
      let count = min(Self.rowsPerTask, rows - first)
      return Part(
        Array(values[first * columns..<(first + count) * columns]), rows: count, encoding, inputs)
    }
    planes = encoding.planes.indices.map { plane in parts.flatMap { $0.planes[plane] } }
    weightError = parts.reduce(SquaredError()) { $0 + $1.weight }
    outputError = parts.compactMap(\.output).reduce(nil) { ($0 ?? SquaredError()) + $1 }
  }

  /// What is rounded.
  private static func target(
    _ values: [Float], _ rows: Int, _ columns: Int, _ encoding: any SteppedEncoding,
    _ correction: Correction?
  ) -> [Float] {
    var target = Matrix(rows: rows, columns: columns, values: values)
    if let rotation = encoding.rotation(columns: columns) { target = rotation.rotated(target) }
    return (correction?.applied(to: target) ?? target).values
  }
}

/// Some rows of it.
private struct Part: Sendable {
  let planes: [[UInt8]]
  let weight: SquaredError
  let output: SquaredError?

  init(
    _ values: [Float], rows: Int, _ encoding: any SteppedEncoding,
    _ inputs: CalibratedMatrix.Inputs
  ) {
    let result: SteppedRows
    switch inputs {
    case .importance(let importance):
      result = FeedbackRounding(encoding: encoding, importance: importance, factor: nil)(
        values, rows: rows)
    case .moments(let factor):
      result = Self.rounded(values, rows: rows, encoding, factor)
    }
    planes = encoding.planes(result)
    let errors = zip(result.expanded, values).map { $0 - $1 }
    weight = SquaredError(values, errors: errors)
    guard case .moments(let factor) = inputs else {
      output = nil
      return
    }
    output = OutputError(factor: factor).squares(values, errors: errors, rows: rows)
  }

  /// Rounds with feedback, or without where that gives the smaller error; then refines scales and codes.
  private static func rounded(
    _ values: [Float], rows: Int, _ encoding: any SteppedEncoding, _ factor: FeedbackFactor
  ) -> SteppedRows {
    let measure = OutputError(factor: factor)
    func errors(_ result: SteppedRows) -> [Double] {
      measure.squares(zip(result.expanded, values).map { $0 - $1 }, rows: rows)
    }
    var result = FeedbackRounding(
      encoding: encoding, importance: factor.pivots, factor: factor)(values, rows: rows)
    let plain = FeedbackRounding(
      encoding: encoding, importance: factor.importance, factor: nil)(values, rows: rows)
    for (row, (own, other)) in zip(errors(result), errors(plain)).enumerated()
    where !(own <= other) {
      result.take(row: row, from: plain)
    }
    let solution = ScaleSolution(factor: factor)
    solution.solve(&result, from: values)
    measure.descend(&result, from: values, codes: encoding.codes)
    solution.solve(&result, from: values)
    return result
  }
}
