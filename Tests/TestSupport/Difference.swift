import Foundation

/// How far numbers are from those that were expected.
package struct Difference: CustomStringConvertible {
  /// The largest difference, divided by the largest expected magnitude.
  package private(set) var largest = 0.0
  /// The norm of the differences, divided by the norm of the expected numbers.
  package let norm: Double
  private var place = 0
  private var found = 0.0
  private var expected = 0.0

  /// Compares numbers with those expected. Different counts, or a NaN, are infinitely far away.
  package init<Found: BinaryFloatingPoint, Expected: BinaryFloatingPoint>(
    _ found: [Found], from expected: [Expected]
  ) {
    guard found.count == expected.count else {
      (largest, norm) = (.infinity, .infinity)
      return
    }
    let scale = expected.reduce(0.0) { max($0, abs(Double($1))) }
    var squares = 0.0
    var expectedSquares = 0.0
    for (index, (left, right)) in zip(found, expected).enumerated() {
      let difference = abs(Double(left) - Double(right))
      squares += difference * difference
      expectedSquares += Double(right) * Double(right)
      let relative = difference.isNaN ? .infinity : difference == 0 ? 0 : difference / scale
      guard relative > largest else { continue }
      largest = relative
      (place, self.found, self.expected) = (index, Double(left), Double(right))
    }
    let ratio = (squares / expectedSquares).squareRoot()
    norm = squares == 0 ? 0 : ratio.isNaN ? .infinity : ratio
  }

  /// Power of the expected numbers over power of the differences, in decibels.
  package var signalToNoise: Double { -20 * log10(norm) }

  package var description: String {
    "largest \(largest) at \(place) (\(found), expected \(expected)), norm \(norm)"
  }
}
