package import Quant

/// RMS or layer normalization over channels.
package struct Normalization: Sendable {
  private let weight: [Float]
  private let bias: [Float]?
  private let epsilon: Float

  /// Loads `name.weight`, and `name.bias` for a layer normalization.
  package init(
    _ weights: some WeightSource, _ name: String, _ kind: NormalizationKind, width: Int,
    epsilon: Double
  ) throws {
    weight = try weights.vector(name + ".weight", count: width)
    bias = try weights.vector(name + ".bias", count: width, if: kind == .layer)
    self.epsilon = Float(epsilon)
  }

  /// Normalizes every row.
  package func callAsFunction(_ input: Matrix, _ engine: any Engine) -> Matrix {
    guard let bias else { return engine.rmsNormalize(input, weight: weight, epsilon: epsilon) }
    return engine.layerNormalize(input, weight: weight, bias: bias, epsilon: epsilon)
  }
}
