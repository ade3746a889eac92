import Foundation
import Quant

/// How much errors in the weights of some matrices matter, compared with those of all others.
struct Sensitivity {
  /// Rules and the thousandths of a bit by which the error of a matrix must be finer to do the same harm; the first that
  /// fits counts. A bit is a factor of four.
  let distances: [(rule: Recipe.Rule, thousandths: Int)]

  /// Without knowledge of the model, as found on trained ones.
  static let byClass = Sensitivity(distances: EntropyPreset.finer)

  /// The harm of a weight's relative squared error.
  func factor(_ entry: ConversionPlan.Entry) -> Double {
    let distance = distances.first { $0.rule.fits(entry.name, entry.role, parameters: 0) }
    return pow(4, Double(distance?.thousandths ?? 0) / 1000)
  }
}
