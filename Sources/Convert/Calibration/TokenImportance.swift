import Foundation
import Quant

/// How much the rows of an embedding that is also the head matter.
///
/// The curvature of the loss in the logit of a token is `p · (1 − p)`, averaged over positions; tokens that are likely
/// are also read often. The step of a row that minimises the loss at equal size goes with the inverse root.
struct TokenImportance {
  /// What the rows add as inputs, in mean squares of the inputs of the head.
  static let inputShare = 0.65
  /// Positions after which the averages are good enough.
  static let enoughPositions = 8192
  /// Positions whose logits are in memory at a time.
  static let positionsAtOnce = 128
  /// Rare tokens are rarer in a sample than they are.
  private static let exponent = 0.85
  /// Least share of the mean; rows that round to nothing would take probability from all others.
  private static let floor = 0.05
  /// Steps altogether, beside those of the tier.
  private static let steps = 0.9

  /// Of `p · (1 − p)` over the positions, one for each token.
  private(set) var sums: [Double]
  private(set) var positions: Int

  init(vocabulary: Int) {
    self.init(sums: [Double](repeating: 0, count: vocabulary), positions: 0)
  }

  /// Takes up what was gathered before.
  init(sums: [Double], positions: Int) {
    self.sums = sums
    self.positions = positions
  }

  /// How many positions are taken in of sequences of some lengths: those of whole sequences until there are enough.
  static func positions(of lengths: [Int]) -> Int {
    lengths.reduce(0) { $0 < enoughPositions ? $0 + $1 : $0 }
  }

  /// Takes in log-probabilities, a row for each position.
  mutating func add(_ predictions: Matrix) {
    for row in 0..<predictions.rows {
      for token in 0..<predictions.columns {
        let probability = Double(exp(predictions.values[row * predictions.columns + token]))
        sums[token] += probability * (1 - probability)
      }
    }
    positions += predictions.rows
  }

  /// What the step of each row is multiplied by.
  var rowFactors: [Float] {
    let shares = sums.map { pow($0 / Double(max(1, positions)), Self.exponent) }
    let mean = shares.reduce(0, +) / Double(max(1, shares.count))
    guard mean > 0, mean.isFinite else { return shares.map { _ in 1 } }
    let factors = shares.map { 1 / max($0 / mean, Self.floor).squareRoot() }
    let middle = factors.reduce(0) { $0 + log($1) } / Double(max(1, factors.count))
    return factors.map { Float($0 / exp(middle) * Self.steps) }
  }
}
