import Foundation
import Quant
import Runtime

/// How much errors in the weights of some matrices matter, compared with those of all others.
struct Sensitivity {
  /// Rules and the thousandths of a bit by which the error of a matrix must be finer to do the same harm; the first that
  /// fits counts. A bit is a factor of four.
  let distances: [(rule: Recipe.Rule, thousandths: Int)]

  /// Without knowledge of the model, as probes of trained ones found it on average.
  static let byClass = Sensitivity(distances: [
    distance(role: .embedding, 700, "read as inputs and multiplied into every prediction"),
    distance("language.layers.0.mixer.inputProjection.weight", 900, "all layers see its errors"),
    distance("language.layers.0.mixer.outputProjection.weight", 900, "all layers see its errors"),
    distance("language.*.outputProjection.weight", 250, "adds to the stream"),
    distance("language.*.scanProjection.weight", -300, "its errors average out in the scan"),
    distance("*.timeStepProjection.weight", 300, "its outputs enter an exponential"),
  ])

  private static func distance(
    _ tensor: String? = nil, role: TensorRole? = nil, _ thousandths: Int, _ reason: String
  ) -> (rule: Recipe.Rule, thousandths: Int) {
    (Recipe.Rule(tensor: tensor, role: role, encoding: "", reason: reason), thousandths)
  }

  /// The harm of a weight's relative squared error.
  func factor(_ entry: ConversionPlan.Entry) -> Double {
    let distance = distances.first { $0.rule.fits(entry.name, entry.role, parameters: 0) }
    return pow(4, Double(distance?.thousandths ?? 0) / 1000)
  }
}
