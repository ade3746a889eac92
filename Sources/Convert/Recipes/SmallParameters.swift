import Quant

/// Parameters of recurrent layers that are no matrix, on grids of fixed points: few, and far less precise than a float.
///
/// How fine the grids must be was found on trained models; docs/quantization.md has the measurements.
enum SmallParameters {
  /// Kinds and the bits behind the point that they need in tiers up to 4.5 bits.
  static let fractionBits: [(tensor: String, bits: Int)] = [
    ("language.*.logarithmicDecay", 5), ("language.*.timeStepProjection.bias", 6),
    ("language.*.timeStepBias", 6), ("language.*.skip", 7), ("language.*.convolution.bias", 7),
    ("language.*.convolution.weight", 8), ("language.*normalization.weight", 9),
  ]

  /// Rules for all that are no matrix, beside matrices of four to eight bits in groups: on grids so fine that parameters
  /// far smaller than those of the models that were measured keep their precision too.
  static let besideGroups = rules { _ in 8500 }

  /// Rules for all that are no matrix.
  ///
  /// - Parameter thousandths: the tier to go with, of a kind by its number: half the step for every bit above 4.5, as
  ///   much finer as the matrices get.
  static func rules(beside thousandths: (_ index: Int) -> Int) -> [Recipe.Rule] {
    let grids = fractionBits.enumerated().map { index, kind in
      let finer = max(0, (thousandths(index) - 4500 + 999) / 1000)
      return Recipe.Rule(
        tensor: kind.tensor, encoding: FixedPointEncoding(fractionBits: kind.bits + finer).name,
        reason: "few, and far less precise than a float")
    }
    return grids + Presets.floats
  }
}
