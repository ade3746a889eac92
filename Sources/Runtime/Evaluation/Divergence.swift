import Foundation
public import Quant

/// How far the predictions of one model are from those of a reference, over many positions.
public struct Divergence: Sendable {
  /// Kullback-Leibler divergence of each position, `Σ p · (ln p − ln q)` in nats, where p is the reference.
  public private(set) var values = [Float]()
  /// 1 where both models have the same most likely token.
  public private(set) var agreement = SampleMean()
  /// Mean of `values`.
  public private(set) var mean = SampleMean()

  /// No positions yet.
  public init() {}

  /// Takes in rows of log-probabilities of the reference and of the model.
  package mutating func add(reference: Matrix, model: Matrix) {
    for row in 0..<reference.rows {
      let range = row * reference.columns..<(row + 1) * reference.columns
      let value = Self.divergence(reference.values[range], model.values[range])
      values.append(Float(value))
      mean.add(value)
      let agrees = reference.largest(inRow: row) == model.largest(inRow: row)
      agreement.add(agrees ? 1 : 0)
    }
  }

  /// Takes in the positions of another one.
  package mutating func add(_ other: Divergence) {
    values += other.values
    agreement.add(other.agreement)
    mean.add(other.mean)
  }

  /// The value that 99 % of the positions do not exceed.
  public var percentile99: Double {
    guard !mean.mean.isNaN else { return .nan }
    let sorted = values.sorted()
    return Double(
      sorted[min(sorted.count - 1, Int((Double(sorted.count) * 0.99).rounded(.up)) - 1)])
  }

  private static func divergence(_ p: ArraySlice<Float>, _ q: ArraySlice<Float>) -> Double {
    var sum = 0.0
    // What has no probability adds nothing, whatever the other model says; 0 · ∞ would be no number.
    for (p, q) in zip(p, q) where p != -.infinity { sum += Double(exp(p) * (p - q)) }
    // Rounding may go below zero. A comparison, because `max` would hide a NaN.
    return sum < 0 ? 0 : sum
  }
}

extension Matrix {
  /// The column of the largest value in a row; the first one on ties.
  public func largest(inRow row: Int) -> Int {
    var best = row * columns
    for index in row * columns..<(row + 1) * columns where values[index] > values[best] {
      best = index
    }
    return best - row * columns
  }
}
