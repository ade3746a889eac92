import Foundation

/// Chooses the next token.
public struct Sampler: Sendable {
  private let temperature: Double
  private var generator: SplitMix64

  /// A sampler; at temperature 0 it takes the most likely token.
  public init(temperature: Double, seed: UInt64 = 0) {
    self.temperature = temperature
    generator = SplitMix64(state: seed)
  }

  /// The id chosen among `logits`, of which only the first `count` may be emitted.
  mutating func choose(_ logits: [Float], count: Int) -> Int {
    let candidates = logits.prefix(count)
    guard let largest = candidates.max() else { return 0 }
    guard temperature > 0 else { return candidates.firstIndex(of: largest) ?? 0 }
    let weights = candidates.map { exp(Double($0 - largest) / temperature) }
    var rest = generator.unitInterval() * weights.reduce(0, +)
    for (id, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return id }
    }
    return weights.lastIndex { $0 > 0 } ?? 0
  }
}

/// Sebastiano Vigna's SplitMix64: small, and the same on every machine.
struct SplitMix64: Sendable {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }

  /// A number in 0..<1 with 53 random bits.
  mutating func unitInterval() -> Double { Double(next() >> 11) * 0x1p-53 }
}
