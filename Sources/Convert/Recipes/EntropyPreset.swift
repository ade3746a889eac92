import Quant

/// The recipe of a tier such as `e4`: matrices on fine grids, and on grids of their own the parameters that are no matrix.
struct EntropyPreset {
  /// Thousandths of a bit of most codes.
  let thousandths: Int
  /// Which matrices get finer grids, and how much.
  var sensitivity = Sensitivity.byClass
  /// By how much the places differ at which small parameters get finer grids. Without a difference all do at once.
  var stagger = 0

  var recipe: Recipe {
    Recipe(name: EntropyEncoding(thousandths: thousandths).tier, rules: smallRules + matrixRules)
  }

  /// Rules for everything but matrices.
  var smallRules: [Recipe.Rule] {
    let middle = SmallParameters.fractionBits.count / 2
    return SmallParameters.rules { thousandths + ($0 - middle) * stagger }
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
}
