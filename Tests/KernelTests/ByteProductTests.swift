import CKernels
import Testing

/// A matrix in tiles whose products with bytes are known exactly.
protocol TiledMatrix {
  var shape: Shape { get }
  var values: [Float] { get }
  /// What it expects of its inputs.
  var inputShape: ByteInputs.Shape { get }
  /// Additions of floats, one after the other, that a product makes.
  var additions: Int { get }
  /// The whole number that a weight stands for, and the scale that it is multiplied with.
  func number(_ row: Int, _ column: Int) -> Int
  func scale(_ row: Int, _ column: Int) -> Float
  /// Multiplies rows by inputs; the padding of its tiles holds anything.
  func multiply(
    _ kernels: vk_table, _ out: UnsafeMutablePointer<Float>, stride: Int, _ inputs: ByteInputs,
    tokens: Int, rows: Range<Int>)
}

extension StoredCodes: TiledMatrix {
  var inputShape: ByteInputs.Shape { .codes(groupSize: groupSize, offset: offset) }
  var additions: Int { (shape.columns + inputShape.scaleColumns - 1) / inputShape.scaleColumns }
  func number(_ row: Int, _ column: Int) -> Int { Int(codes[row * shape.columns + column]) }

  func multiply(
    _ kernels: vk_table, _ out: UnsafeMutablePointer<Float>, stride: Int, _ inputs: ByteInputs,
    tokens: Int, rows: Range<Int>
  ) {
    let (tiles, scales) = (tiles(padding: 0x5a), tiledScales(padding: 0x7e00))
    let multiply = bits == 8 ? kernels.q8_multiply : kernels.q6_multiply
    inputs.withInputs {
      multiply?(
        out, stride, tiles, scales, $0, tokens, rows.lowerBound, rows.count, shape.columns,
        groupSize)
    }
  }
}

extension StoredQ4: TiledMatrix {
  var inputShape: ByteInputs.Shape { .q4 }
  // Those of a super-block, and those of the super-blocks.
  var additions: Int { min(8, (shape.columns + 31) / 32) + blocks }
  func scale(_ row: Int, _ column: Int) -> Float { superScale(row, column) }

  func multiply(
    _ kernels: vk_table, _ out: UnsafeMutablePointer<Float>, stride: Int, _ inputs: ByteInputs,
    tokens: Int, rows: Range<Int>
  ) {
    let (tiles, subScales) = (tiles(padding: 0xa5), tiledSubScales(padding: -7))
    let superScales = tiledSuperScales(padding: 0x7e00)
    inputs.withInputs {
      kernels.q4_multiply(
        out, stride, tiles, subScales, superScales, $0, tokens, rows.lowerBound, rows.count,
        shape.columns)
    }
  }
}

/// Products of tiled weights and bytes.
///
/// What shares a scale is summed in whole numbers, so a product with the bytes is exact but for one rounding of each
/// sum, two of its scales and one for each addition.
@Suite struct ByteProductTests {
  /// Counts that are cut into every number of tokens that go side by side.
  static let tokens = [0, 1, 2, 3, 4, 5, 8, 13]

  private static func matrices(_ shape: Shape) -> [any TiledMatrix] {
    var random = Seeded(shape.count)
    let codes = product(TileTests.widths, TileTests.groupSizes).map {
      StoredCodes(random: &random, bits: $0, shape: shape, groupSize: $1)
    }
    return codes + [StoredQ4(random: &random, shape: shape)]
  }

  /// Expects what the codes stand for, `[tokens][rows]`.
  private func expectExact(
    _ found: [Float], _ matrix: any TiledMatrix, _ inputs: ByteInputs, tokens: Int
  ) {
    let (rows, columns) = (matrix.shape.rows, matrix.shape.columns)
    let together = inputs.shape.scaleColumns
    var sums = [Double](), bounds = [Double]()
    for token in 0..<tokens {
      for row in 0..<rows {
        var sum = 0.0, magnitude = 0.0
        for first in stride(from: 0, to: columns, by: together) {
          let whole = (first..<min(first + together, columns)).reduce(0) {
            $0 + matrix.number(row, $1) * inputs.code(token, $1)
          }
          let term =
            Double(whole) * Double(inputs.scale(token, first)) * Double(matrix.scale(row, first))
          sum += term
          magnitude += abs(term)
        }
        sums.append(sum)
        bounds.append(Double(matrix.additions + 3) * unitRoundoff * magnitude)
      }
    }
    expectClose(found, sums) { bounds[$0] }
  }

  @Test(arguments: InstructionSet.all, Shape.ragged)
  func `a product with rounded inputs is what the codes stand for`(
    set: InstructionSet, shape: Shape
  ) throws {
    let kernels = try set.kernels
    var random = Seeded(shape.count + 1)
    for matrix in Self.matrices(shape) {
      for tokens in Self.tokens {
        let x = random.normals(tokens * shape.columns)
        let inputs = ByteInputs(
          kernels, x, tokens: tokens, columns: shape.columns, shape: matrix.inputShape)
        let product = filled(tokens * shape.rows) {
          matrix.multiply(
            kernels, $0, stride: shape.rows, inputs, tokens: tokens, rows: 0..<shape.rows)
        }
        expectExact(product, matrix, inputs, tokens: tokens)
      }
    }
  }

  @Test(arguments: InstructionSet.all)
  func `the largest codes do not overflow`(set: InstructionSet) throws {
    let kernels = try set.kernels
    let shape = Shape(17, 530)
    // −128 is no code that this program writes, but a file may hold it.
    let bytes: [any TiledMatrix] = product([-128, -127, 127], [16, 256]).map {
      StoredCodes(code: $0, bits: 8, shape: shape, groupSize: $1)
    }
    let sixes: [any TiledMatrix] = product([-32, 31], [16, 256]).map {
      StoredCodes(code: $0, bits: 6, shape: shape, groupSize: $1)
    }
    let nibbles: [any TiledMatrix] = product([0x00, 0xff], [-128, -31, 127]).map {
      StoredQ4(byte: $0, subScale: $1, shape: shape)
    }
    for matrix in bytes + sixes + nibbles {
      for value: Float in [127, -127] {
        let x = [Float](repeating: value, count: 2 * shape.columns)
        let inputs = ByteInputs(
          kernels, x, tokens: 2, columns: shape.columns, shape: matrix.inputShape)
        #expect(inputs.codes.contains(Int8(value)))
        let product = filled(2 * shape.rows) {
          matrix.multiply(
            kernels, $0, stride: shape.rows, inputs, tokens: 2, rows: 0..<shape.rows)
        }
        expectExact(product, matrix, inputs, tokens: 2)
      }
    }
  }

  @Test(arguments: InstructionSet.all, [Shape(35, 81), Shape(50, 530)])
  func `rows and tokens give the same bits alone and among others`(
    set: InstructionSet, shape: Shape
  ) throws {
    let kernels = try set.kernels
    let tokens = 13, width = shape.rows + 3
    var random = Seeded(shape.count + 2)
    let x = random.normals(tokens * shape.columns)
    for matrix in Self.matrices(shape) {
      let inputs = ByteInputs(
        kernels, x, tokens: tokens, columns: shape.columns, shape: matrix.inputShape)
      let together = filled(tokens * width) { out in
        for index in 0..<tokens * width { out[index] = -1 }
        matrix.multiply(kernels, out, stride: width, inputs, tokens: tokens, rows: 0..<shape.rows)
      }
      let alone = filled(tokens * width) { out in
        for index in 0..<tokens * width { out[index] = -1 }
        for token in 0..<tokens {
          let one = ByteInputs(
            kernels, Array(x[token * shape.columns..<(token + 1) * shape.columns]), tokens: 1,
            columns: shape.columns, shape: matrix.inputShape)
          for first in stride(from: 0, to: shape.rows, by: 16) {
            matrix.multiply(
              kernels, out + token * width + first, stride: 1, one, tokens: 1,
              rows: first..<min(first + 16, shape.rows))
          }
        }
      }
      #expect(together == alone)
      for token in 0..<tokens {
        #expect(together[token * width + shape.rows..<(token + 1) * width] == [-1, -1, -1])
      }
    }
  }

  /// A product of one token with its three digits, the smallest added first.
  private func splitProduct(
    _ kernels: vk_table, _ matrix: any TiledMatrix, _ x: [Float]
  ) -> [Float] {
    let rows = matrix.shape.rows
    let inputs = ByteInputs(
      kernels, x, tokens: 1, columns: matrix.shape.columns, shape: matrix.inputShape,
      isSplit: true)
    let digits = filled(3 * rows) {
      matrix.multiply(kernels, $0, stride: rows, inputs, tokens: 3, rows: 0..<rows)
    }
    return (0..<rows).map { digits[2 * rows + $0] + digits[rows + $0] + digits[$0] }
  }

  /// The sum over floats, each input within 24 bits of the largest that shares its scale.
  private func expectFullPrecision(_ found: [Float], _ matrix: any TiledMatrix, _ x: [Float]) {
    let (rows, columns) = (matrix.shape.rows, matrix.shape.columns)
    let together = matrix.inputShape.scaleColumns
    let values = matrix.values
    let roundings = Double((columns + 15) / 16 + 10)
    var sums = [Double](), bounds = [Double]()
    for row in 0..<rows {
      var sum = 0.0, bound = 0x1p-100
      for first in stride(from: 0, to: columns, by: together) {
        let group = first..<min(first + together, columns)
        let largest = x[group].reduce(0) { max($0, abs($1)) }
        for column in group {
          let (weight, input) = (Double(values[row * columns + column]), Double(x[column]))
          sum += weight * input
          bound += abs(weight) * Double(largest) * unitRoundoff
          bound += abs(weight * input) * roundings * unitRoundoff
        }
      }
      sums.append(sum)
      bounds.append(bound)
    }
    expectClose(found, sums) { bounds[$0] }
  }

  @Test(arguments: InstructionSet.all, Shape.ragged)
  func `a product with split inputs is that with floats`(
    set: InstructionSet, shape: Shape
  ) throws {
    let kernels = try set.kernels
    var random = Seeded(shape.count + 3)
    for matrix in Self.matrices(shape) {
      let x = random.normals(shape.columns)
      expectFullPrecision(splitProduct(kernels, matrix, x), matrix, x)
    }
  }

  @Test(arguments: InstructionSet.all)
  func `an outlier among split inputs costs its group no more than its last bit`(
    set: InstructionSet
  ) throws {
    let kernels = try set.kernels
    let shape = Shape(5, 5000)
    var random = Seeded(11)
    let matrices: [any TiledMatrix] = [
      StoredQ4(random: &random, shape: shape),
      StoredCodes(random: &random, bits: 8, shape: shape, groupSize: 64),
      StoredCodes(random: &random, bits: 6, shape: shape, groupSize: 64),
    ]
    for matrix in matrices {
      for outlier: Float in [1e6, 1e30, 0, 1e-35] {
        var x = random.normals(shape.columns)
        if outlier < 1 { x = x.map { $0 * outlier } }
        x[300] = outlier
        expectFullPrecision(splitProduct(kernels, matrix, x), matrix, x)
      }
    }
  }

  @Test(arguments: InstructionSet.all, [false, true])
  func `an input that is not finite does not vanish from the product`(
    set: InstructionSet, isSplit: Bool
  ) throws {
    let kernels = try set.kernels
    let shape = Shape(18, 300), digits = isSplit ? 3 : 1
    let matrices: [any TiledMatrix] = [
      StoredQ4(byte: 0xff, subScale: 3, shape: shape),
      StoredQ4(byte: 0x88, subScale: 0, shape: shape),
      StoredCodes(code: 0, bits: 8, shape: shape, groupSize: 64),
      StoredCodes(code: -3, bits: 8, shape: shape, groupSize: 16),
      StoredCodes(code: 0, bits: 6, shape: shape, groupSize: 64),
    ]
    for matrix in matrices {
      for value in [Float.nan, .infinity, -.infinity] {
        for place in [0, 37, 299] {
          var x = [Float](repeating: 1, count: 3 * 300)
          x[300 + place] = value
          let inputs = ByteInputs(
            kernels, x, tokens: 3, columns: 300, shape: matrix.inputShape, isSplit: isSplit)
          let product = filled(3 * digits * 18) {
            matrix.multiply(kernels, $0, stride: 18, inputs, tokens: 3 * digits, rows: 0..<18)
          }
          for (index, found) in product.enumerated() {
            #expect(found.isFinite == (index / (18 * digits) != 1))
          }
        }
      }
    }
  }
}
