/// What moves the weights of a matrix so that its outputs, on the inputs that it will get, come nearer to those that the
/// original model has on its own (GPTAQ, arXiv:2504.02692; Qronos, arXiv:2505.11695).
public enum Correction: Sendable {
  /// `W + C` with `C` `[rows, columns]`: the outputs lack something.
  case outputs(Matrix)
  /// `W + W · C` with `C` `[columns, columns]`: the inputs lack something.
  case inputs(Matrix)

  /// How much of the change that least squares find is best made; found on trained models. The whole of it would follow
  /// the calibration tokens too closely, and what input projections make up for is met once more behind the layer.
  public static let strength: Float = 0.7

  /// The correction of some of the rows.
  public func rows(_ range: Range<Int>) -> Correction {
    switch self {
    case .outputs(let change): .outputs(change.rows(range))
    case .inputs: self
    }
  }

  /// The weights with their correction.
  func applied(to weights: Matrix) -> Matrix {
    var result = weights
    switch self {
    case .outputs(let change):
      result.add(change)
    case .inputs(let change):
      unsafe result.values.withUnsafeMutableBufferPointer { output in
        guard let output = output.baseAddress else { return }
        unsafe MatrixProduct.multiply(
          left: weights.values, leftStride: weights.columns, right: change.values,
          rightStride: weights.columns, output: output, outputStride: weights.columns,
          rows: weights.rows, columns: weights.columns, inner: weights.columns, accumulating: true)
      }
    }
    return result
  }
}
