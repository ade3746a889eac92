import Quant
import TestSupport
import Testing

/// Weights that cannot be encoded.
@Suite struct RefusalTests {
  static let codedNames = Encodings.all.filter { !($0 is FloatEncoding) }.map(\.name)

  private func sample(_ value: Float, row: Int, column: Int) -> Matrix {
    var matrix = Matrix.noise(rows: 4, columns: 300, seed: 1)
    matrix.values[row * 300 + column] = value
    return matrix
  }

  @Test(arguments: codedNames, [Float.nan, .infinity, -.infinity])
  func `a value that is not finite is refused with its place`(name: String, value: Float) throws {
    let encoding = try #require(Encodings.named(name))
    #expect(throws: QuantError.nonFinite(row: 2, column: 299)) {
      _ = try EncodedMatrix(sample(value, row: 2, column: 299), encoding: encoding)
    }
  }

  /// The largest half, times the largest code for an encoding of codes, 31 sub-scales for q4.
  static let limits: [(String, Float)] = [
    ("q8", 65504 * 127), ("q6", 65504 * 31), ("q5", 65504 * 15), ("q8g16", 65504 * 127),
    ("q4", 65504 * 31 * 7), ("f16", 65504), ("e", 65504 * 127),
  ]

  @Test(arguments: limits)
  func `a value whose scale is no half is refused with its place`(
    name: String, limit: Float
  ) throws {
    let encoding = try #require(Encodings.named(name))
    let largest = sample(limit, row: 1, column: 17)
    #expect(try EncodedMatrix(largest, encoding: encoding).expanded().values[317] == limit)
    for value in [-limit * 1.001, .greatestFiniteMagnitude] {
      #expect(
        throws: QuantError.scaleOutOfRange(row: 1, column: 17, value: value, limit: limit)
      ) {
        _ = try EncodedMatrix(sample(value, row: 1, column: 17), encoding: encoding)
      }
    }
  }

  @Test func `a value beyond the upper halves is refused with its place`() {
    let value = Float.greatestFiniteMagnitude
    #expect(
      throws: QuantError.scaleOutOfRange(row: 3, column: 5, value: value, limit: 0x1.fep127)
    ) {
      _ = try EncodedMatrix(sample(value, row: 3, column: 5), encoding: FloatEncoding.bf16)
    }
  }

  @Test(arguments: FloatEncoding.allCases)
  func `floats keep what is not finite`(encoding: FloatEncoding) throws {
    let values: [Float] = [.nan, .infinity, -.infinity, 1]
    let matrix = Matrix(rows: 1, columns: 4, values: values)
    let expanded = try EncodedMatrix(matrix, encoding: encoding).expanded().values
    #expect(expanded[0].isNaN)
    #expect(expanded[1...] == [.infinity, -.infinity, 1])
  }

  @Test func `errors say where and what was expected`() {
    #expect(
      QuantError.nonFinite(row: 2, column: 9).description
        == "the value at row 2, column 9 is not finite")
    #expect(
      QuantError.scaleOutOfRange(row: 0, column: 1, value: 70000, limit: 65504).description
        == "the value 70000.0 at row 0, column 1 is too large for the encoding; at most 65504.0 was expected"
    )
  }
}
