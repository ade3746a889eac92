import Quant

/// A projection with an optional bias.
struct Linear: Sendable {
  let weight: EncodedMatrix
  let bias: [Float]?

  /// Loads `name.weight`, and `name.bias` if there is one.
  init(
    _ weights: some WeightSource, _ name: String, outputs: Int, inputs: Int, hasBias: Bool = true
  ) throws {
    weight = try weights.matrix(name + ".weight", rows: outputs, columns: inputs)
    bias = try weights.vector(name + ".bias", count: outputs, if: hasBias)
  }

  init(weight: EncodedMatrix, bias: [Float]?) {
    self.weight = weight
    self.bias = bias
  }

  func callAsFunction(_ input: Matrix, _ engine: any Engine) -> Matrix {
    engine.linear(input, weight, bias: bias)
  }

  /// The part of the projection that gives some of its outputs.
  func rows(_ range: Range<Int>) -> Linear {
    Linear(weight: weight.rows(range), bias: bias.map { Array($0[range]) })
  }
}
