import Report
import Testing

/// Areas in proportion to weights.
@Suite struct TreeMapTests {
  private static let frame = Rectangle(x: 3, y: 5, width: 640, height: 270)

  /// Weights of a few shapes: equal, steep, one that dwarfs the others, many.
  private static let samples: [[Double]] = [
    [1], [2, 2, 2, 2, 2], [6, 6, 4, 3, 2, 2, 1], [1, 1e9, 1], [0.001, 0.002, 5],
    (1...97).map { Double($0 * $0 % 89 + 1) },
  ]

  @Test(arguments: samples)
  func `areas are in proportion to weights`(weights: [Double]) {
    let parts = TreeMap.divide(Self.frame, by: weights)
    let total = weights.reduce(0, +)
    for (part, weight) in zip(parts, weights) {
      let expected = weight / total * Self.frame.area
      // Both sides of a part are differences of places of up to 640: some ulps of that, relative to the side.
      #expect(abs(part.area - expected) <= 1e-9 * Self.frame.area)
    }
  }

  @Test(arguments: samples)
  func `parts cover the frame and do not overlap`(weights: [Double]) {
    let parts = TreeMap.divide(Self.frame, by: weights)
    let tolerance = 1e-9 * Self.frame.area
    for (number, part) in parts.enumerated() {
      #expect(part.x >= Self.frame.x - 1e-9 && part.y >= Self.frame.y - 1e-9)
      #expect(part.x + part.width <= Self.frame.x + Self.frame.width + 1e-9)
      #expect(part.y + part.height <= Self.frame.y + Self.frame.height + 1e-9)
      for other in parts[..<number] { #expect(part.overlap(other) <= tolerance) }
    }
    // Parts that lie inside, do not overlap and have the area of the frame together cover it.
    #expect(abs(parts.reduce(0) { $0 + $1.area } - Self.frame.area) <= tolerance)
  }

  @Test func `the published example has the published shapes`() {
    // Bruls et al., figure 4: weights 6, 6, 4, 3, 2, 2, 1 in a frame of 6 by 4.
    let parts = TreeMap.divide(
      Rectangle(x: 0, y: 0, width: 6, height: 4), by: [6, 6, 4, 3, 2, 2, 1])
    #expect(parts[0] == Rectangle(x: 0, y: 0, width: 3, height: 2))
    #expect(parts[1] == Rectangle(x: 0, y: 2, width: 3, height: 2))
    #expect(parts[2].y == 0 && abs(parts[2].height - 7.0 / 3) < 1e-12)
  }

  @Test func `weights that are no sizes get empty parts`() {
    let parts = TreeMap.divide(Self.frame, by: [0, -1, .nan, .infinity, 4])
    #expect(parts.dropLast().allSatisfy { $0.area == 0 })
    #expect(parts.last?.area == Self.frame.area)
    #expect(TreeMap.divide(Self.frame, by: []).isEmpty)
    #expect(TreeMap.divide(Self.frame, by: [0, 0]).allSatisfy { $0.area == 0 })
  }
}
