import Quant

/// The recipe of a tier such as `e4`: matrices on fine grids, and on grids of their own the parameters that are no matrix.
///
/// Which grids are finer than the tier and how fine the small ones are was found on trained models; docs/quantization.md
/// has the measurements.
struct EntropyPreset {
  /// Tenths of a bit of most codes.
  let tenths: Int

  /// Small parameters of recurrent layers and the bits behind the point that they need in tiers up to 4.5 bits.
  private static let fixed: [(tensor: String, fractionBits: Int)] = [
    ("language.*.logarithmicDecay", 5), ("language.*.timeStepProjection.bias", 6),
    ("language.*.timeStepBias", 6), ("language.*.skip", 7), ("language.*.convolution.bias", 7),
    ("language.*.convolution.weight", 8), ("language.*normalization.weight", 9),
  ]

  /// Matrices whose errors weigh more, and the tenths of a bit that they get in addition.
  private static let finer: [(rule: Recipe.Rule, tenths: Int)] = [
    (Presets.timeSteps, 5),
    (Recipe.Rule(role: .embedding, encoding: "", reason: "read as inputs too"), 2),
    (
      Recipe.Rule(
        tensor: "language.layers.0.mixer.inputProjection.weight", encoding: "",
        reason: "all layers see its errors"), 9
    ),
    (
      Recipe.Rule(
        tensor: "language.layers.0.mixer.scanProjection.weight", encoding: "",
        reason: "all layers see its errors"), 9
    ),
  ]

  var recipe: Recipe {
    let name = EntropyEncoding.tierName(tenths: tenths)
    // Half the step for every bit above that: as much finer as the matrices get.
    let more = max(0, (tenths - 45 + 9) / 10)
    let fixed = Self.fixed.map { part in
      Recipe.Rule(
        tensor: part.tensor,
        encoding: FixedPointEncoding(fractionBits: part.fractionBits + more).name,
        reason: "few, and far less precise than a float")
    }
    let finer = Self.finer.map { part in
      var rule = part.rule
      rule.encoding = EntropyEncoding.tierName(tenths: tenths + part.tenths)
      return rule
    }
    return Recipe(
      name: name,
      rules: fixed + Presets.floats + finer + [Recipe.Rule(encoding: name, reason: "matrix")])
  }
}
