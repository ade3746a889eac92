import Quant

/// The recipe of a tier such as `e4`: matrices on fine grids, and on grids of their own the parameters that are no matrix.
///
/// Which grids are finer than the tier and how fine the small ones are was found on trained models; docs/quantization.md
/// has the measurements.
struct EntropyPreset {
  /// Thousandths of a bit of most codes.
  let thousandths: Int
  /// Which matrices get finer grids, and how much.
  var sensitivity = Sensitivity.byClass
  /// By how much the places differ at which small parameters get finer grids. Without a difference all do at once.
  var stagger = 0

  /// Small parameters of recurrent layers and the bits behind the point that they need in tiers up to 4.5 bits.
  static let fixed: [(tensor: String, fractionBits: Int)] = [
    ("language.*.logarithmicDecay", 5), ("language.*.timeStepProjection.bias", 6),
    ("language.*.timeStepBias", 6), ("language.*.skip", 7), ("language.*.convolution.bias", 7),
    ("language.*.convolution.weight", 8), ("language.*normalization.weight", 9),
  ]

  var recipe: Recipe {
    Recipe(name: EntropyEncoding(thousandths: thousandths).tier, rules: smallRules + matrixRules)
  }

  /// Rules for everything but matrices.
  var smallRules: [Recipe.Rule] {
    let middle = Self.fixed.count / 2
    let grids = Self.smallRules { index, fractionBits in
      Self.fixedPoint(fractionBits, beside: thousandths + (index - middle) * stagger)
    }
    return grids + Presets.floats
  }

  /// Rules for matrices.
  var matrixRules: [Recipe.Rule] {
    let parts = sensitivity.distances + [(Recipe.Rule(encoding: "", reason: "matrix"), 0)]
    return parts.map { part in
      var rule = part.rule
      rule.encoding = EntropyEncoding(thousandths: thousandths + part.thousandths).tier
      return rule
    }
  }

  /// Rules for small parameters.
  ///
  /// - Parameter encoding: that of a kind of them, by its number and the bits behind the point in low tiers.
  static func smallRules(_ encoding: (_ index: Int, _ fractionBits: Int) -> String) -> [Recipe.Rule]
  {
    fixed.enumerated().map { index, part in
      Recipe.Rule(
        tensor: part.tensor, encoding: encoding(index, part.fractionBits),
        reason: "few, and far less precise than a float")
    }
  }

  /// The grid of small parameters beside matrices of a tier: half the step for every bit above 4.5, as much finer as the
  /// matrices get.
  static func fixedPoint(_ fractionBits: Int, beside thousandths: Int) -> String {
    FixedPointEncoding(fractionBits: fractionBits + max(0, (thousandths - 4500 + 999) / 1000)).name
  }
}
