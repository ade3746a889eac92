import Quant
import TestSupport
import Testing

/// Rotations of inputs and of the weights they meet.
@Suite struct BlockRotationTests {
  /// Columns and the block that divides them.
  static let sizes = [
    (1, 1), (6, 2), (17, 1), (40, 8), (48, 16), (96, 32), (192, 64), (128, 128), (384, 128),
  ]

  /// The rotation as a matrix, entry by entry: signs, then (−1) to the number of ones that row and column share.
  private static func matrix(_ columns: Int, block: Int) -> [[Double]] {
    var noise = Noise(seed: 0)
    let signs = (0..<128).map { _ in noise.next() >> 63 == 0 ? 1.0 : -1.0 }
    let size = 1 / Double(block).squareRoot()
    return (0..<columns).map { row in
      (0..<columns).map { column in
        guard row / block == column / block else { return 0 }
        let shared = (row % block & column % block).nonzeroBitCount
        return (shared.isMultiple(of: 2) ? size : -size) * signs[column % 128]
      }
    }
  }

  private static func product(_ matrix: [[Double]], _ vector: ArraySlice<Float>) -> [Double] {
    matrix.map { row in zip(row, vector).reduce(0) { $0 + $1.0 * Double($1.1) } }
  }

  @Test(arguments: sizes)
  func `it is the matrix of signed Walsh functions`(columns: Int, block: Int) {
    let rotation = BlockRotation(columns: columns)
    #expect(rotation.block == block)
    let matrix = Self.matrix(columns, block: block)
    let input = Matrix.noise(rows: 3, columns: columns, seed: 1)
    let found = rotation.rotated(input)
    for row in 0..<3 {
      let place = row * columns..<(row + 1) * columns
      let expected = Self.product(matrix, input.values[place])
      // Seven sums and a factor, each rounded to 2⁻²⁴.
      #expect(Difference(Array(found.values[place]), from: expected).norm < 8 * 0x1p-24)
    }
  }

  @Test(arguments: sizes)
  func `lengths and angles stay`(columns: Int, block: Int) {
    let matrix = Self.matrix(columns, block: block)
    for (first, left) in matrix.enumerated() {
      for (second, right) in matrix.enumerated() {
        let product = zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(product - (first == second ? 1 : 0)) < 1e-12)
      }
    }
  }

  @Test(arguments: sizes)
  func `values that are read are turned back`(columns: Int, block: Int) throws {
    let weights = Matrix.noise(rows: 20, columns: columns, seed: 2)
    let rotation = BlockRotation(columns: columns)
    let encoded = try EncodedMatrix(weights, encoding: RotatedEncoding())
    let stored = try EncodedMatrix(
      encoding: SuperBlockEncoding(), rows: 20, columns: columns, planes: encoded.planes)
    #expect(
      Difference(rotation.rotated(encoded.expanded()).values, from: stored.expanded().values).norm
        < 16 * 0x1p-24)
    // Rounding normal weights to four bits leaves about a hundredth of their power.
    #expect(Difference(encoded.expanded().values, from: weights.values).norm < 0.12)
  }

  @Test(arguments: sizes, [1, 11])
  func `products are those of the matrix as it is read`(
    size: (columns: Int, block: Int), tokens: Int
  ) throws {
    let (rows, columns) = (33, size.columns)
    let encoding = RotatedEncoding()
    let encoded = try EncodedMatrix(
      .noise(rows: rows, columns: columns, seed: 3), encoding: encoding)
    let input = Matrix.noise(rows: tokens, columns: columns + 3, seed: 4)
    let inputs = RoundedInputs(
      tokens: tokens, columns: columns, shape: encoding.inputShape, precision: .full,
      rotation: encoding.rotation(columns: columns))
    input.slice(3..<columns + 3).withStart {
      inputs.round($0, stride: input.columns, tokens: 0..<min(8, tokens))
      if tokens > 8 { inputs.round($0, stride: input.columns, tokens: 8..<tokens) }
    }
    var digits = [Float](repeating: .nan, count: 3 * tokens * rows)
    encoding.multiply(
      encoded, rows: 0..<rows, by: inputs, token: 0, count: 3 * tokens, into: &digits, stride: rows)
    let found = (0..<tokens * rows).map { index in
      let (token, row) = index.quotientAndRemainder(dividingBy: rows)
      return (0..<3).reduce(0.0) { $0 + Double(digits[(3 * token + $1) * rows + row]) }
    }
    let weights = encoded.expanded()
    let expected = (0..<tokens * rows).map { index in
      let (token, row) = index.quotientAndRemainder(dividingBy: rows)
      return (0..<columns).reduce(0.0) {
        $0 + Double(weights.values[row * columns + $1])
          * Double(input.values[token * input.columns + 3 + $1])
      }
    }
    // Sums of up to 384 terms and two rotations in single precision.
    #expect(Difference(found, from: expected).norm < 1e-6)
  }
}
