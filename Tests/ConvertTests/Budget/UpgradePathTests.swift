import Testing
import TestSupport

@testable import Convert

/// Allocation against trying every combination.
@Suite struct UpgradePathTests {
  private typealias Choice = UpgradePath.Choice

  /// Few tensors with a few choices each; larger choices need not be better.
  private static func tensors(seed: UInt64) -> [[Choice]] {
    var noise = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func next(_ bound: Int) -> Int {
      noise = noise &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(noise >> 33) % bound
    }
    return (0..<5).map { _ in
      (0..<4).map { _ in Choice(bytes: 10 + next(90), harm: Double(1 + next(1000))) }
    }
  }

  private static func combinations(_ tensors: [[Choice]]) -> [(bytes: Int, harm: Double)] {
    tensors.reduce([(0, 0)]) { sums, choices in
      sums.flatMap { sum in choices.map { (sum.0 + $0.bytes, sum.1 + $0.harm) } }
    }
  }

  private static func cost(_ tensors: [[Choice]], _ chosen: [Int]) -> (bytes: Int, harm: Double) {
    zip(tensors, chosen).reduce((0, 0)) { ($0.0 + $1.0[$1.1].bytes, $0.1 + $1.0[$1.1].harm) }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `keeps within the bytes, and nothing of that size or smaller by a step is better`(
    seed: UInt64
  ) throws {
    let tensors = Self.tensors(seed: seed)
    let all = Self.combinations(tensors)
    let smallest = try #require(all.map(\.bytes).min())
    // No step is larger than this.
    let step = 90
    for bytes in stride(from: smallest, through: 500, by: 7) {
      let chosen = try #require(UpgradePath.allocate(tensors, within: bytes))
      let found = Self.cost(tensors, chosen)
      #expect(found.bytes <= bytes)
      let lesser = all.filter { $0.bytes <= bytes - step }.map(\.harm).min()
      if let lesser { #expect(found.harm <= lesser) }
      let best = try #require(all.filter { $0.bytes <= bytes }.map(\.harm).min())
      #expect(found.harm >= best)
    }
    #expect(UpgradePath.allocate(tensors, within: smallest - 1) == nil)
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `with bytes enough every tensor gets its best`(seed: UInt64) throws {
    let tensors = Self.tensors(seed: seed)
    let range = UpgradePath.range(tensors)
    let chosen = try #require(UpgradePath.allocate(tensors, within: range.upperBound))
    let best = tensors.reduce(0) { $0 + ($1.map(\.harm).min() ?? 0) }
    #expect(Self.cost(tensors, chosen).harm == best)
    #expect(Self.combinations(tensors).map(\.bytes).min() == range.lowerBound)
  }

  @Test func `what is left goes to a tensor that it suffices for`() {
    let large = [Choice(bytes: 100, harm: 100), Choice(bytes: 200, harm: 1)]
    let small = [Choice(bytes: 10, harm: 3), Choice(bytes: 15, harm: 2)]
    #expect(UpgradePath.allocate([large, small], within: 210) == [1, 0])
    #expect(UpgradePath.allocate([large, small], within: 209) == [0, 1])
    #expect(UpgradePath.allocate([large, small], within: 109) == nil)
  }
}
