import Foundation
import Testing

@testable import Convert

/// The search against trying every position.
@Suite struct BracketSearchTests {
  private static let range = 0...500

  /// Values that grow evenly, ever faster, ever more slowly, and in jumps.
  private static let curves: [@Sendable (Int) -> Double] = [
    { Double($0) }, { exp(Double($0) / 60) }, { (Double($0) + 1).squareRoot() },
    { Double($0 / 40 * 40) }, { $0 < 250 ? 0 : 1000 }, { _ in 3 },
  ]

  @Test(arguments: curves.indices, [-1.0, 0, 1, 3, 17.5, 250, 400, 1e9])
  func `finds the last position that is allowed`(curve: Int, goal: Double) {
    let value = Self.curves[curve]
    for start in [0, 77, 500] {
      var search = BracketSearch(Self.range, goal: goal, aim: goal, start: start, slope: 1)
      var tries = 0
      while let position = search.next, tries < 100 {
        #expect(Self.range.contains(position))
        search.add(position, value: value(position))
        tries += 1
      }
      #expect(search.best?.position == Self.range.last { value($0) <= goal })
      #expect(tries < 60)
    }
  }

  @Test func `an even curve takes few tries`() {
    var search = BracketSearch(0...1_000_000, goal: 4e5, aim: 4e5, start: 900_000, slope: 1.3)
    var tries = 0
    while let position = search.next {
      search.add(position, value: 7 + 0.9 * Double(position))
      tries += 1
    }
    #expect(search.best?.position == 444_436)
    #expect(tries <= 8)
  }
}
