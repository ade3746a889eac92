import CKernels
import Testing

/// Products against sums in double precision.
///
/// A float sum of n products in 16 lanes makes at most ceil(n / 16) + 4 additions and a few multiplications one after
/// the other, so its error is within (ceil(n / 16) + 10) roundings of the sum of magnitudes.
@Suite struct ProductTests {
  static func expectProduct(
    _ found: [Float], weights: [Double], x: [Float], shape: Shape, additions: Int? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var sums = [Double](), magnitudes = [Double]()
    for row in 0..<shape.rows {
      let products = (0..<shape.columns).map { weights[row * shape.columns + $0] * Double(x[$0]) }
      sums.append(products.reduce(0, +))
      magnitudes.append(products.reduce(0) { $0 + abs($1) })
    }
    let roundings = Double((additions ?? (shape.columns + 15) / 16) + 10) * unitRoundoff
    expectClose(
      found, sums, bound: { roundings * magnitudes[$0] }, sourceLocation: sourceLocation)
  }

  @Test(arguments: InstructionSet.all, Shape.ragged)
  func `products with floats, halves and bfloats`(set: InstructionSet, shape: Shape) throws {
    let kernels = try set.kernels
    var random = Seeded(shape.count)
    let w = random.normals(shape.count), x = random.normals(shape.columns)
    let floats = filled(shape.rows) { kernels.f32_matvec($0, w, x, shape.rows, shape.columns) }
    Self.expectProduct(floats, weights: w.map(Double.init), x: x, shape: shape)

    let halves = w.map { Float16($0) }, patterns = halves.map(\.bitPattern)
    let half = filled(shape.rows) { kernels.f16_matvec($0, patterns, x, shape.rows, shape.columns) }
    Self.expectProduct(half, weights: halves.map(Double.init), x: x, shape: shape)

    let upper = w.map { UInt16($0.bitPattern >> 16) }
    let bfloat = filled(shape.rows) { kernels.bf16_matvec($0, upper, x, shape.rows, shape.columns) }
    let truths = upper.map { Double(Float(bitPattern: UInt32($0) << 16)) }
    Self.expectProduct(bfloat, weights: truths, x: x, shape: shape)
  }

  @Test(arguments: InstructionSet.all, [1, 5, 16, 48, 64, 300])
  func `products with and expansion of q8`(set: InstructionSet, groupSize: Int) throws {
    let kernels = try set.kernels
    for shape in Shape.ragged {
      var random = Seeded(shape.count + groupSize)
      let groups = (shape.columns + groupSize - 1) / groupSize
      let codes = random.codes(shape.count, within: 127), x = random.normals(shape.columns)
      let scales = random.scales(shape.rows * groups)
      let expanded = filled(shape.count) {
        kernels.q8_expand($0, codes, scales, shape.rows, shape.columns, groupSize)
      }
      let truth = codes.indices.map { index in
        let (row, column) = index.quotientAndRemainder(dividingBy: shape.columns)
        let scale = Float16(bitPattern: scales[row * groups + column / groupSize])
        return Float(codes[index]) * Float(scale)
      }
      #expect(expanded == truth)
      let product = filled(shape.rows) {
        kernels.q8_matvec($0, codes, scales, x, shape.rows, shape.columns, groupSize)
      }
      // The sum of a group is one addition more.
      Self.expectProduct(
        product, weights: truth.map(Double.init), x: x, shape: shape,
        additions: groups + (shape.columns + 15) / 16)
    }
  }

  @Test(arguments: InstructionSet.all, Shape.ragged)
  func `products with and expansion of q4`(set: InstructionSet, shape: Shape) throws {
    let kernels = try set.kernels
    var random = Seeded(shape.count)
    let stored = StoredQ4(random: &random, shape: shape)
    let x = random.normals(shape.columns)
    let expanded = filled(shape.count) {
      kernels.q4_expand(
        $0, stored.codes, stored.subScales, stored.superScales, shape.rows, shape.columns)
    }
    #expect(expanded == stored.values)
    let product = filled(shape.rows) {
      kernels.q4_matvec(
        $0, stored.codes, stored.subScales, stored.superScales, x, shape.rows, shape.columns)
    }
    Self.expectProduct(product, weights: stored.values.map(Double.init), x: x, shape: shape)
  }

  /// Inputs of a q4 product may be rounded to 24 bits of the largest among 256.
  @Test(arguments: InstructionSet.all)
  func `an outlier among the inputs of q4 costs the others no more than its last bit`(
    set: InstructionSet
  ) throws {
    let kernels = try set.kernels
    let shape = Shape(5, 5000)
    var random = Seeded(11)
    let stored = StoredQ4(random: &random, shape: shape)
    for outlier: Float in [1e6, 1e30, 0, 1e-35] {
      var x = random.normals(shape.columns)
      if outlier < 1 { x = x.map { $0 * outlier } }
      x[300] = outlier
      let found = filled(shape.rows) {
        kernels.q4_matvec(
          $0, stored.codes, stored.subScales, stored.superScales, x, shape.rows, shape.columns)
      }
      var sums = [Double](), bounds = [Double]()
      for row in 0..<shape.rows {
        var sum = 0.0, bound = 0x1p-100
        for column in 0..<shape.columns {
          let weight = Double(stored.values[row * shape.columns + column])
          sum += weight * Double(x[column])
          let largest = column / 256 == 1 ? max(outlier, 6) : 6
          bound += abs(weight) * Double(largest) * unitRoundoff
          bound += abs(weight * Double(x[column])) * 330 * unitRoundoff
        }
        sums.append(sum)
        bounds.append(bound)
      }
      expectClose(found, sums) { bounds[$0] }
    }
  }

  @Test(arguments: InstructionSet.all)
  func `an input that is not finite does not vanish from a q4 product`(set: InstructionSet) throws {
    let kernels = try set.kernels
    let shape = Shape(3, 300)
    let stored = StoredQ4(
      codes: [UInt8](repeating: 0xff, count: 450), subScales: [Int8](repeating: 3, count: 57),
      superScales: [UInt16](repeating: 0x3c00, count: 6), shape: shape)
    for value in [Float.nan, .infinity, -.infinity] {
      for place in [0, 37, 299] {
        var x = [Float](repeating: 1, count: 300)
        x[place] = value
        let found = filled(3) {
          kernels.q4_matvec($0, stored.codes, stored.subScales, stored.superScales, x, 3, 300)
        }
        #expect(found.allSatisfy { !$0.isFinite })
      }
    }
  }

  @Test(arguments: InstructionSet.all)
  func `a row gives the same bits alone and among others`(set: InstructionSet) throws {
    let kernels = try set.kernels
    let shape = Shape(7, 531), columns = shape.columns
    var random = Seeded(7)
    let w = random.normals(shape.count), x = random.normals(columns)
    let halves = w.map { Float16($0).bitPattern }
    let codes = random.codes(shape.count, within: 127), scales = random.scales(7 * 9)
    let q4 = StoredQ4(random: &random, shape: shape)
    typealias Run = (UnsafeMutablePointer<Float>, Int, Int) -> Void
    let runs: [Run] = [
      { out, row, count in
        w.withUnsafeBufferPointer {
          kernels.f32_matvec(out, $0.baseAddress.map { $0 + row * columns }, x, count, columns)
        }
      },
      { out, row, count in
        halves.withUnsafeBufferPointer {
          kernels.f16_matvec(out, $0.baseAddress.map { $0 + row * columns }, x, count, columns)
        }
      },
      { out, row, count in
        kernels.q8_matvec(
          out, Array(codes[(row * columns)...]), Array(scales[(row * 9)...]), x, count, columns, 64)
      },
      { out, row, count in
        kernels.q4_matvec(
          out, Array(q4.codes[(row * 266)...]), Array(q4.subScales[(row * 34)...]),
          Array(q4.superScales[(row * 3)...]), x, count, columns)
      },
    ]
    for run in runs {
      let together = filled(7) { run($0, 0, 7) }
      let alone = filled(7) { out in for row in 0..<7 { run(out + row, row, 1) } }
      #expect(together == alone)
    }
  }
}

/// A q4 matrix of random bytes, and what it stands for.
struct StoredQ4 {
  let codes: [UInt8]
  let subScales: [Int8]
  let superScales: [UInt16]
  let values: [Float]

  init(random: inout Seeded, shape: Shape) {
    self.init(
      codes: random.bytes(shape.rows * ((shape.columns + 1) / 2)),
      subScales: random.codes(shape.rows * ((shape.columns + 15) / 16), within: 31),
      superScales: random.scales(shape.rows * ((shape.columns + 255) / 256)), shape: shape)
  }

  init(codes: [UInt8], subScales: [Int8], superScales: [UInt16], shape: Shape) {
    let columns = shape.columns
    let bytes = (columns + 1) / 2, groups = (columns + 15) / 16, blocks = (columns + 255) / 256
    self.codes = codes
    self.subScales = subScales
    self.superScales = superScales
    values = (0..<shape.count).map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      let byte = codes[row * bytes + column / 2]
      let nibble = column % 2 == 0 ? byte & 15 : byte >> 4
      let step =
        Float(Float16(bitPattern: superScales[row * blocks + column / 256]))
        * Float(subScales[row * groups + column / 16])
      return step * (Float(nibble) - 8)
    }
  }
}
