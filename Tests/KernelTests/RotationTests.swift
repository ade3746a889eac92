import CKernels
import Testing

@Suite struct RotationTests {
  /// Blocks of numbers, of part of a vector, of vectors; and how many of them a row has.
  static let blocks = [1, 2, 8, 16, 32, 64, 128]

  /// The sum that the header states, in double precision.
  private static func rotated(
    _ x: [Float], _ signs: [Float], rows: Int, stride: Int, columns: Int, block: Int
  ) -> [Double] {
    (0..<rows * columns).map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      let (start, i) = (column / block * block, column % block)
      let sum = (0..<block).reduce(0.0) { sum, j in
        let value = Double(signs[(start + j) % 128]) * Double(x[row * stride + start + j])
        return sum + ((i & j).nonzeroBitCount.isMultiple(of: 2) ? value : -value)
      }
      return sum / Double(block).squareRoot()
    }
  }

  @Test(arguments: InstructionSet.all, blocks)
  func `blocks become sums of signed numbers`(set: InstructionSet, block: Int) throws {
    let kernels = try set.kernels
    var random = Seeded(block)
    let signs = (0..<128).map { _ in Bool.random(using: &random) ? Float(1) : -1 }
    for (rows, count) in [(0, 3), (1, 1), (3, 5), (2, 0)] {
      let columns = block * count
      let stride = columns + 3
      let x = random.normals(max(1, rows * stride))
      let found = filled(rows * columns) {
        kernels.rotate_blocks($0, x, stride, signs, rows, columns, block, 0)
      }
      let expected = Self.rotated(
        x, signs, rows: rows, stride: stride, columns: columns, block: block)
      // Seven sums and two factors of numbers that are at most about twelve.
      expectClose(found, expected) { _ in 12 * Double(block).squareRoot() * 9 * unitRoundoff }
      let back = filled(rows * columns) {
        kernels.rotate_blocks($0, found, columns, signs, rows, columns, block, 1)
      }
      let original = (0..<rows * columns).map { Double(x[$0 / columns * stride + $0 % columns]) }
      expectClose(back, original) { _ in 24 * Double(block).squareRoot() * 9 * unitRoundoff }
    }
  }

  @Test(arguments: InstructionSet.all)
  func `every instruction set gives the same bits, in place too`(set: InstructionSet) throws {
    var random = Seeded(7)
    let signs = (0..<128).map { _ in Bool.random(using: &random) ? Float(1) : -1 }
    let x = random.normals(3 * 384)
    var expected = x
    try InstructionSet.all[0].kernels.rotate_blocks(&expected, x, 384, signs, 3, 384, 128, 0)
    var found = x
    let kernels = try set.kernels
    found.withUnsafeMutableBufferPointer { values in
      guard let start = values.baseAddress else { return }
      kernels.rotate_blocks(start, start, 384, signs, 3, 384, 128, 0)
    }
    #expect(found == expected)
  }
}
