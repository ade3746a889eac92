public import Quant

/// The inputs of a selective scan as int8, each with scales that follow the token.
///
/// `x` and the time step (before bias and softplus: the exponential after them would amplify the rounding) have
/// one scale for each token and group of 64 channels, `B` and `C` one for each token. The state, `A`, `D` and the
/// bias of the time step stay float32.
public struct QuantizedScanInput: Sendable {
  /// Channels that share a scale.
  public static let groupSize = 64

  /// Signed 8-bit codes with one scale for each row and group of columns.
  public struct Codes: Sendable, Equatable {
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

    /// Rounds a matrix to nearest, ties to even, with `scale = max|x| / 127` for each row and group.
    public init(_ matrix: Matrix, groupSize: Int) {
      rows = matrix.rows
      columns = matrix.columns
      self.groupSize = groupSize
      var values = [Int8](repeating: 0, count: matrix.values.count)
      var scales = [Float]()
      for row in 0..<matrix.rows {
        for start in stride(from: row * columns, to: (row + 1) * columns, by: groupSize) {
          let group = start..<min(start + groupSize, (row + 1) * matrix.columns)
          var largest: Float = 0
          for index in group { largest = max(largest, abs(matrix.values[index])) }
          let scale = largest / 127
          scales.append(scale)
          guard scale > 0, scale.isFinite else { continue }
          for index in group {
            let code = (matrix.values[index] / scale).rounded(.toNearestOrEven)
            values[index] = Int8(min(max(code, -127), 127))
          }
        }
      }
      self.values = values
      self.scales = scales
    }

    /// The numbers that the codes stand for.
    public var widened: Matrix {
      var matrix = Matrix(rows: rows, columns: columns)
      for row in 0..<rows {
        for column in 0..<columns {
          matrix.values[row * columns + column] =
            Float(values[row * columns + column]) * scales[row * groups + column / groupSize]
        }
      }
      return matrix
    }
  }

  /// `x`.
  public let values: Codes
  /// Time steps before bias and softplus.
  public let timeSteps: Codes
  /// `B`.
  public let inputWeights: Codes
  /// `C`.
  public let outputWeights: Codes

  /// Rounds the inputs of a scan.
  ///
  /// - Parameter parameterGroup: columns of B and C that share a scale; all of them by default, the states of a group
  ///   in Mamba-2.
  public init(_ input: SelectiveScanInput, parameterGroup: Int? = nil) {
    values = Codes(input.values, groupSize: Self.groupSize)
    timeSteps = Codes(input.timeSteps, groupSize: Self.groupSize)
    let group = max(1, parameterGroup ?? input.inputWeights.columns)
    inputWeights = Codes(input.inputWeights, groupSize: group)
    outputWeights = Codes(input.outputWeights, groupSize: group)
  }

  /// The numbers that the codes stand for.
  public var widened: SelectiveScanInput {
    SelectiveScanInput(
      values: values.widened, timeSteps: timeSteps.widened, inputWeights: inputWeights.widened,
      outputWeights: outputWeights.widened)
  }
}
