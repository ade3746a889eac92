import Learning
import Quant
import TestSupport
import Testing

/// What may be learned of a tensor.
@Suite struct LearnableTensorTests {
  private static func noise(_ count: Int, seed: UInt64, scale: Double = 1) -> [Float] {
    var noise = Noise(seed: seed)
    return (0..<count).map { _ in Float(scale * noise.normal()) }
  }

  private static func tensor(_ name: String, rows: Int = 9, columns: Int = 300) throws
    -> LearnableTensor
  {
    let encoding = try #require(Encodings.requested(name))
    let values = noise(rows * columns, seed: 3)
    let form: LearnableTensor.Form =
      if let scales = encoding as? any RescalableEncoding { .scales(scales) } else {
        .numbers(encoding)
      }
    return LearnableTensor(
      name: "tensor",
      encoded: try EncodedMatrix(
        Matrix(rows: rows, columns: columns, values: values), encoding: encoding),
      original: values, form: form)
  }

  @Test(arguments: ["e4", "q4", "q8", "q6g32", "q5g256"])
  func `derivatives in scales equal differences`(name: String) throws {
    let tensor = try Self.tensor(name)
    let parameters = Self.noise(tensor.parameterCount, seed: 5, scale: 0.1)
    let weights = Self.noise(tensor.rows * tensor.columns, seed: 6)
    func loss(_ parameters: [Float]) throws -> Double {
      zip(try tensor.values(parameters[...]).values, weights)
        .reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let found = tensor.derivatives(
      Matrix(rows: tensor.rows, columns: tensor.columns, values: weights), at: parameters[...])
    #expect(found.count == tensor.parameterCount)
    for index in stride(from: 0, to: parameters.count, by: 7) {
      // Values are linear in each parameter, so a long way is as good as a short one and rounds less.
      var (above, below) = (parameters, parameters)
      above[index] += 0.5
      below[index] -= 0.5
      let expected = try loss(above) - loss(below)
      #expect(abs(Double(found[index]) - expected) < 1e-4 * (1 + abs(expected)))
    }
  }

  @Test(arguments: ["e4", "q4", "q8", "q6g32"])
  func `nothing learned leaves a tensor as it is, and a little moves its values`(
    name: String
  ) throws {
    let tensor = try Self.tensor(name)
    let zeros = [Float](repeating: 0, count: tensor.parameterCount)
    #expect(try tensor.encoded(zeros[...]).planes == tensor.encoded.planes)
    #expect(try tensor.values(zeros[...]) == tensor.encoded.expanded())
    let parameters = Self.noise(tensor.parameterCount, seed: 8, scale: 0.05)
    let wanted = try tensor.values(parameters[...])
    let encoded = try tensor.encoded(parameters[...])
    // Scales of eight significant bits and column steps of eleven.
    for (found, value) in zip(encoded.expanded().values, wanted.values) {
      #expect(abs(found - value) <= (0x1p-8 + 0x1p-10) * abs(value))
    }
    let codes = zip(encoded.encoding.planes, zip(encoded.planes, tensor.encoded.planes))
      .filter { $0.0.elementBytes == 1 }
    #expect(codes.allSatisfy { $0.1.0 == $0.1.1 })
  }

  @Test func `numbers move on their grid and derivatives pass through`() throws {
    let tensor = try Self.tensor("fixed4", rows: 1, columns: 40)
    let zeros = [Float](repeating: 0, count: 40)
    #expect(try tensor.encoded(zeros[...]).planes == tensor.encoded.planes)
    let moved = try tensor.values([Float](repeating: 0.2, count: 40)[...])
    #expect(moved.values.allSatisfy { ($0 * 16).rounded() == $0 * 16 })
    #expect(moved != tensor.encoded.expanded())
    let gradient = tensor.derivatives(
      Matrix(rows: 1, columns: 40, values: [Float](repeating: 1, count: 40)), at: zeros[...])
    // Normal numbers: the unit is their root mean square, about one.
    #expect(gradient.allSatisfy { $0 == gradient[0] && (0.6...1.4).contains($0) })
  }
}
