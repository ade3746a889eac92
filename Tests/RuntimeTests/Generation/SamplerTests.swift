import Foundation
import TestSupport
import Testing

@testable import Runtime

@Suite struct SamplerTests {
  private func draws(
    _ logits: [Float], temperature: Double, seed: UInt64 = 1, count: Int = 200,
    of emittable: Int? = nil
  ) -> [Int] {
    var sampler = Sampler(temperature: temperature, seed: seed)
    return (0..<count).map { _ in sampler.choose(logits, count: emittable ?? logits.count) }
  }

  @Test func `at temperature zero the most likely token is taken, the first of equals`() {
    #expect(Set(draws([0, 3, 1, 3], temperature: 0)) == [1])
    #expect(Set(draws([-5, -3, -.infinity], temperature: 0)) == [1])
  }

  @Test(arguments: [0, 1, 5])
  func `tokens that only pad the vocabulary are never taken`(temperature: Double) {
    #expect(draws([1, 2, 100, 100], temperature: temperature, of: 2).allSatisfy { $0 < 2 })
  }

  @Test func `a seed decides everything`() {
    let logits = [Float].noise(50, seed: 1)
    let first = draws(logits, temperature: 1, seed: 7)
    #expect(draws(logits, temperature: 1, seed: 7) == first)
    #expect(draws(logits, temperature: 1, seed: 8) != first)
    #expect(Set(first).count > 10)
  }

  /// Temperature, and the weights of tokens with logits ln 1, ln 2 and ln 3.
  static let distributions: [(Double, [Double])] = [
    (1, [1, 2, 3]), (0.5, [1, 4, 9]), (2, [1, 2.0.squareRoot(), 3.0.squareRoot()]),
    (1e9, [1, 1, 1]), (1e-9, [0, 0, 1]),
  ]

  @Test(arguments: distributions)
  func `tokens are taken as often as they are likely`(temperature: Double, weights: [Double]) {
    let count = 60_000
    let logits = [1, 2, 3].map { log(Float($0)) }
    let found = draws(logits, temperature: temperature, count: count)
    let sum = weights.reduce(0, +)
    for (id, weight) in weights.enumerated() {
      let expected = weight / sum
      let share = Double(found.count { $0 == id }) / Double(count)
      // Five standard deviations; the seed is fixed.
      let deviation = (expected * (1 - expected) / Double(count)).squareRoot()
      #expect(abs(share - expected) <= 5 * deviation, "token \(id): \(share), not \(expected)")
    }
  }

  @Test func `a token without probability is never taken`() {
    let found = draws([0, -.infinity, 0], temperature: 1, count: 1000)
    #expect(Set(found) == [0, 2])
  }

  @Test func `logits that are no numbers do not trap`() {
    for temperature in [0.0, 1.0] {
      #expect(draws([.nan, .nan], temperature: temperature).allSatisfy { (0..<2).contains($0) })
      #expect(draws([.infinity, 0], temperature: temperature).allSatisfy { (0..<2).contains($0) })
      #expect(draws([], temperature: temperature) == [Int](repeating: 0, count: 200))
    }
  }

  @Test func `the generator gives the published numbers`() {
    // The first outputs of SplitMix64 with the seed 1234567, as in its author's test.
    var generator = SplitMix64(state: 1_234_567)
    #expect(generator.next() == 6_457_827_717_110_365_317)
    #expect(generator.next() == 3_203_168_211_198_807_973)
    let intervals = (0..<10_000).map { _ in generator.unitInterval() }
    #expect(intervals.allSatisfy { (0..<1).contains($0) })
  }
}
