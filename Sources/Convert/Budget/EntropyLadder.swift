import Quant

/// Entropy tiers of any fraction of a bit.
///
/// The least loss at a size is where a byte more brings the same for every matrix: as the loss falls to a fourth with
/// every bit, matrices then keep their distances in bits, whatever the size. A position is the thousandths of a bit of a
/// matrix without a distance of its own.
struct EntropyLadder: BudgetLadder {
  /// Which matrices get more bits than others.
  let sensitivity: Sensitivity
  /// Number of weights in the model.
  let weights: Int

  let family = "e"
  let range = EntropyEncoding.thousandths

  /// Small parameters get finer grids at different positions, so that the size has no jumps.
  private static let stagger = 150

  var bytesPerStep: Double { Double(max(1, weights)) / 8000 }

  func position(forBytes bytes: Int) -> Int {
    let bits = Double(bytes) * 8000 / Double(max(1, weights))
    return Int(min(max(bits, Double(range.lowerBound)), Double(range.upperBound)))
  }

  func recipe(at position: Int) -> Recipe {
    let preset = EntropyPreset(
      thousandths: position, sensitivity: sensitivity, stagger: Self.stagger)
    return Recipe(
      name: family,
      rules: preset.smallRules + preset.matrixRules.map { $0.budgeted($0.encoding) })
  }
}
