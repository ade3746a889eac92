import Quant
import TestSupport
import Testing

/// Errors of single weights.
@Suite struct RoundingTests {
  static let groupEncodings = Encodings.all.compactMap { $0 as? GroupEncoding }.map(\.name)
  /// Magnitudes from large weights down to those whose scale is a subnormal half.
  static let deviations = [1e4, 1, 0.05, 1e-3, 1e-5]

  private func half(_ plane: [UInt8], _ index: Int) -> Float {
    Float(Float16(bitPattern: UInt16(plane[2 * index]) | UInt16(plane[2 * index + 1]) << 8))
  }

  @Test(arguments: groupEncodings, deviations)
  func `an integer code is at most half a step away`(name: String, deviation: Double) throws {
    let encoding = try #require(Encodings.named(name) as? GroupEncoding)
    let (rows, columns) = (5, 300)
    let matrix = Matrix.noise(rows: rows, columns: columns, seed: 3, deviation: deviation)
    let encoded = try EncodedMatrix(matrix, encoding: encoding)
    let expanded = encoded.expanded().values
    let groups = (columns + encoding.groupSize - 1) / encoding.groupSize
    var worst = 0.0
    for (index, value) in matrix.values.enumerated() {
      let group = index / columns * groups + index % columns / encoding.groupSize
      let scale = half(encoded.planes[1], group)
      #expect(scale > 0)
      let error = abs(Double(value) - Double(expanded[index])) / Double(scale)
      worst = max(worst, error)
    }
    // The quotient and the product are rounded to single precision once each.
    #expect(worst <= 0.5 + 128 * 0x1p-23, "\(worst) steps")
  }

  @Test(arguments: groupEncodings)
  func `the scale is the largest weight over the largest code`(name: String) throws {
    let encoding = try #require(Encodings.named(name) as? GroupEncoding)
    let largestCode = Float(1 << (encoding.bits - 1) - 1)
    let matrix = Matrix.noise(rows: 4, columns: encoding.groupSize, seed: 5, deviation: 0.1)
    let encoded = try EncodedMatrix(matrix, encoding: encoding)
    for row in 0..<4 {
      let largest = matrix.rows(row..<row + 1).values.map(abs).max() ?? 0
      #expect(half(encoded.planes[1], row) == Float(Float16(largest / largestCode)))
    }
    let codes = encoded.planes[0].map { Int8(bitPattern: $0) }
    #expect(codes.allSatisfy { abs(Int($0)) <= Int(largestCode) })
  }

  @Test(arguments: groupEncodings + ["q4", "e"])
  func `weights below every scale become zero`(name: String) throws {
    let encoding = try #require(Encodings.named(name))
    // Half the smallest half, 2⁻²⁵, times the smallest largest code, 15, is 4.5e-7.
    let matrix = Matrix(rows: 1, columns: 20, values: [Float](repeating: 1e-9, count: 20))
    let expanded = try EncodedMatrix(matrix, encoding: encoding).expanded()
    #expect(expanded.values.allSatisfy { $0 == 0 })
  }

  @Test func `single precision is kept to the bit`() throws {
    let values: [Float] = [0, -0.0, 1, .leastNonzeroMagnitude, -.greatestFiniteMagnitude, .pi]
    let matrix = Matrix(rows: 2, columns: 3, values: values)
    let expanded = try EncodedMatrix(matrix, encoding: FloatEncoding.f32).expanded()
    #expect(expanded.values.map(\.bitPattern) == values.map(\.bitPattern))
  }

  @Test func `halves are the nearest, ties to even`() throws {
    var values = [Float].noise(5000, seed: 7) + [Float].noise(1000, seed: 8, deviation: 1e-6)
    let ties: [Float] = [
      65504, 65519, 0x1p-24, 0x1p-25, 0x1.8p-24, 1 + 0x1p-11, 1 + 0x1.8p-10, -0.0,
    ]
    values += ties
    let planes = try FloatEncoding.f16.encode(values, rows: 1, columns: values.count)
    #expect(planes == [values.flatMap { Float16($0).bitPattern.bytes }])
    let matrix = Matrix(rows: 1, columns: values.count, values: values)
    let expanded = try EncodedMatrix(matrix, encoding: FloatEncoding.f16).expanded().values
    let worst = zip(values, expanded).map { abs($0 - $1) / max(abs($0), 0x1p-14) }.max() ?? 1
    // Half a unit in the last of 11 places.
    #expect(worst <= 0x1p-11)
  }

  @Test func `upper halves are the nearest, ties to even`() throws {
    let ties: [Float] = [1 + 0x1p-8, 1 + 0x1.8p-7, 1 + 0x1.01p-8, 0x1p-133, -0.0, 0x1.fep127]
    let values = [Float].noise(5000, seed: 9) + ties
    let matrix = Matrix(rows: 1, columns: values.count, values: values)
    let expanded = try EncodedMatrix(matrix, encoding: FloatEncoding.bf16).expanded().values
    #expect(expanded.allSatisfy { $0.bitPattern & 0xffff == 0 })
    let worst = zip(values, expanded).map { abs($0 - $1) / max(abs($0), 0x1p-126) }.max() ?? 1
    // Half a unit in the last of 8 places.
    #expect(worst <= 0x1p-8)
    let rounded: [Float] = [1, 1 + 0x1p-6, 1 + 0x1p-7, 0x1p-133, 0, 0x1.fep127]
    #expect(Array(expanded.suffix(ties.count)) == rounded)
  }
}
