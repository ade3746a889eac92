import CKernels
import Foundation

/// A matrix on a fine grid that was fitted to its inputs (WaterSIC, arXiv:2603.04956).
///
/// Columns whose errors can be made up for by those after them get wide steps, `γ_k ∝ U_kk`: so every column adds as much
/// to the error of the outputs. The weights are divided by the steps and rounded with feedback.
public struct EntropyMatrix: Sendable {
  /// Rows that one task rounds.
  private static let rowsPerTask = 64

  /// The bytes of every plane.
  public let planes: [[UInt8]]
  /// The error of the weights.
  public let weightError: SquaredError
  /// The error of the outputs.
  public let outputError: SquaredError

  /// Encodes `[rows, columns]` weights. The bytes do not depend on the number of threads.
  ///
  /// - Parameters:
  ///   - correction: what the weights should be moved by before they are rounded; errors are those of the sum.
  ///   - rowFactors: what the step of each row is multiplied by; 1 if absent.
  /// - Throws: an error if weights have no place in the encoding.
  public init(
    _ values: [Float], rows: Int, columns: Int, encoding: EntropyEncoding, factor: FeedbackFactor,
    correction: Correction? = nil, rowFactors: [Float]? = nil, threads pool: ThreadPool
  ) throws {
    let values =
      correction?.applied(to: Matrix(rows: rows, columns: columns, values: values)).values ?? values
    try encoding.requireRepresentable(values, columns: columns)
    let grid = Grid(encoding: encoding, factor: factor)
    let tasks = (rows + Self.rowsPerTask - 1) / Self.rowsPerTask
    let parts = pool.map(tasks) { task in
      let range = task * Self.rowsPerTask..<min((task + 1) * Self.rowsPerTask, rows)
      return grid.rounded(
        Array(values[range.lowerBound * columns..<range.upperBound * columns]), rows: range.count,
        rowFactors: rowFactors.map { Array($0[range]) })
    }
    planes = [
      parts.flatMap { $0.planes[0] }, parts.flatMap { $0.planes[1] },
      parts.first?.planes[2] ?? [],
    ]
    weightError = parts.reduce(SquaredError()) { $0 + $1.weight }
    outputError = parts.reduce(SquaredError()) { $0 + $1.output }
  }
}

/// The steps of the columns, and feedback for weights that are divided by them.
private struct Grid: Sendable {
  /// Rounded rows and their errors.
  struct Part: Sendable {
    let planes: [[UInt8]]
    let weight: SquaredError
    let output: SquaredError
  }

  /// Steps further from the mean are rare, and a column that is nearly lost is lost for other texts too.
  private static let stepRange: ClosedRange<Float> = 1.0 / 16...16

  private let encoding: EntropyEncoding
  private let measure: OutputError
  private let factor: FeedbackFactor
  private let stepBits: [UInt16]
  private let steps: [Float]

  init(encoding: EntropyEncoding, factor: FeedbackFactor) {
    self.encoding = encoding
    measure = OutputError(factor: factor)
    let columns = factor.columns
    let pivots = (0..<columns).map { factor.upper[$0 * columns + $0] }
    let mean = pivots.reduce(0) { $0 + log(Double($1)) } / Double(max(1, columns))
    let wanted = pivots.map {
      min(max($0 / Float(exp(mean)), Self.stepRange.lowerBound), Self.stepRange.upperBound)
    }
    var bits = [UInt16](repeating: 0, count: columns)
    unsafe vk_narrow_f16(&bits, wanted, columns)
    var steps = wanted
    unsafe vk_widen_f16(&steps, bits, columns)
    (stepBits, self.steps) = (bits, steps)
    self.factor = factor.forInputs(multipliedBy: steps)
  }

  func rounded(_ values: [Float], rows: Int, rowFactors: [Float]?) -> Part {
    let columns = factor.columns
    let divided = values.indices.map { values[$0] / steps[$0 % columns] }
    let scales = encoding.rowScales(divided, rows: rows, columns: columns, factors: rowFactors)
    let result = FeedbackRounding(
      encoding: encoding, importance: factor.importance, factor: factor, rowScales: scales)(
        divided, rows: rows)
    let expanded = result.expanded
    let errors = values.indices.map { expanded[$0] * steps[$0 % columns] - values[$0] }
    return Part(
      planes: encoding.planes(result, columnSteps: stepBits),
      weight: SquaredError(values, errors: errors),
      output: measure.squares(values, errors: errors, rows: rows))
  }
}
