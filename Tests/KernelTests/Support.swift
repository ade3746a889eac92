import CKernels
import Testing

/// An instruction set that this processor has, with its kernels.
struct InstructionSet: Sendable, CustomTestStringConvertible {
  /// From the plainest to the best.
  static let names = ["portable", "avx2", "avx-vnni", "avx512", "neon", "neon-dotprod"]

  static let all: [InstructionSet] = names.compactMap { name in
    vk_kernels_named(name).map { _ in InstructionSet(testDescription: name) }
  }

  let testDescription: String

  var kernels: vk_table {
    get throws { try #require(vk_kernels_named(testDescription)).pointee }
  }
}

/// Numbers that are the same in every run (SplitMix64).
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: Int) { state = UInt64(truncatingIfNeeded: seed) }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return bits ^ (bits >> 31)
  }

  /// About normally distributed, variance one.
  mutating func normal() -> Float {
    (0..<12).reduce(into: Float(-6)) { sum, _ in sum += Float.random(in: 0..<1, using: &self) }
  }

  mutating func normals(_ count: Int) -> [Float] { (0..<count).map { _ in normal() } }

  mutating func codes(_ count: Int, within limit: Int8) -> [Int8] {
    (0..<count).map { _ in Int8.random(in: -limit...limit, using: &self) }
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
  }

  /// Halves between 2⁻⁹ and 2⁻⁷, as scales of real weights are.
  mutating func scales(_ count: Int) -> [UInt16] {
    (0..<count).map { _ in Float16.random(in: 0x1p-9..<0x1p-7, using: &self).bitPattern }
  }
}

/// Rows and columns with every kind of remainder.
struct Shape: Sendable, CustomTestStringConvertible {
  let rows: Int
  let columns: Int

  init(_ rows: Int, _ columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  var testDescription: String { "\(rows) × \(columns)" }
  var count: Int { rows * columns }

  static let ragged = [
    Shape(0, 5), Shape(3, 0), Shape(1, 1), Shape(3, 3), Shape(2, 15), Shape(1, 16), Shape(4, 17),
    Shape(5, 31), Shape(17, 48), Shape(4, 64), Shape(7, 129), Shape(3, 255), Shape(9, 256),
    Shape(2, 257), Shape(5, 271), Shape(4, 273), Shape(3, 530), Shape(6, 1023), Shape(32, 40),
    Shape(35, 81),
  ]
}

/// Spacing of floats just below one: the rounding error of a float operation is at most this times the result.
let unitRoundoff = 0x1p-24

/// Expects each element within its bound; says how large the largest share of a bound was, and where.
func expectClose(
  _ found: [Float], _ expected: [Double], bound: (Int) -> Double,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.count == expected.count, sourceLocation: sourceLocation)
  var worst = (share: 0.0, index: 0)
  for (index, (value, truth)) in zip(found, expected).enumerated() {
    if Double(value) == truth || (value.isNaN && truth.isNaN) { continue }
    let share = abs(Double(value) - truth) / bound(index)
    if !(share <= worst.share) { worst = (share, index) }
  }
  let place = worst.index
  #expect(
    worst.share <= 1,
    """
    element \(place) is \(found.isEmpty ? 0 : found[place]), \
    expected \(expected.isEmpty ? 0 : expected[place])
    """,
    sourceLocation: sourceLocation)
}

/// Runs a body on memory for `count` elements, followed by a few that it must leave alone.
func filled<Element: FixedWidthInteger>(
  _ count: Int, _ body: (UnsafeMutablePointer<Element>) -> Void
) -> [Element] {
  let guardValue = Element(truncatingIfNeeded: 0x5a5a)
  var elements = [Element](repeating: guardValue, count: count + 24)
  elements.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { body(base) } }
  #expect(elements[count...].allSatisfy { $0 == guardValue }, "wrote past the end")
  return Array(elements[..<count])
}

/// The same for floats.
func filled(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
  var elements = [Float](repeating: -12345, count: count + 24)
  elements.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { body(base) } }
  #expect(elements[count...].allSatisfy { $0 == -12345 }, "wrote past the end")
  return Array(elements[..<count])
}

/// All pairs, the second running fastest.
func product<First, Second>(_ firsts: [First], _ seconds: [Second]) -> [(First, Second)] {
  firsts.flatMap { first in seconds.map { (first, $0) } }
}
