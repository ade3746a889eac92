import CKernels
import Testing

/// Products of floats against sums in double precision.
///
/// A float sum of n products in 16 lanes makes at most ceil(n / 16) + 4 additions and a few multiplications one after
/// the other, so its error is within (ceil(n / 16) + 10) roundings of the sum of magnitudes.
@Suite struct ProductTests {
  static func expectProduct(
    _ found: [Float], weights: [Double], x: [Float], shape: Shape,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var sums = [Double](), magnitudes = [Double]()
    for row in 0..<shape.rows {
      let products = (0..<shape.columns).map { weights[row * shape.columns + $0] * Double(x[$0]) }
      sums.append(products.reduce(0, +))
      magnitudes.append(products.reduce(0) { $0 + abs($1) })
    }
    let roundings = Double((shape.columns + 15) / 16 + 10) * unitRoundoff
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

  @Test(arguments: InstructionSet.all)
  func `a row gives the same bits alone and among others`(set: InstructionSet) throws {
    let kernels = try set.kernels
    let shape = Shape(7, 531), columns = shape.columns
    var random = Seeded(7)
    let w = random.normals(shape.count), x = random.normals(columns)
    let halves = w.map { Float16($0).bitPattern }
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
    ]
    for run in runs {
      let together = filled(7) { run($0, 0, 7) }
      let alone = filled(7) { out in for row in 0..<7 { run(out + row, row, 1) } }
      #expect(together == alone)
    }
  }
}
