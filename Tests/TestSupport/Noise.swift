import Foundation
import Quant

/// Numbers that look random and are the same in every run (Vigna's SplitMix64).
package struct Noise: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }

  /// A number in 0..<1.
  package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number of the standard normal distribution (Box and Muller).
  package mutating func normal() -> Double {
    (-2 * log(1 - uniform())).squareRoot() * cos(2 * .pi * uniform())
  }
}

extension [Float] {
  /// Normally distributed numbers.
  package static func noise(_ count: Int, seed: UInt64, deviation: Double = 1) -> [Float] {
    var noise = Noise(seed: seed)
    return (0..<count).map { _ in Float(noise.normal() * deviation) }
  }
}

extension Matrix {
  /// A matrix of normally distributed numbers.
  package static func noise(
    rows: Int, columns: Int, seed: UInt64, deviation: Double = 1
  ) -> Matrix {
    Matrix(
      rows: rows, columns: columns,
      values: .noise(rows * columns, seed: seed, deviation: deviation))
  }
}
