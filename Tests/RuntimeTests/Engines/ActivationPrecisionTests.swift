import Foundation
import Quant
import Runtime
import TestSupport
import Testing

/// Products of the fast engine whose activations enter as bytes.
@Suite struct ActivationPrecisionTests {
  private let engine = FastEngine(activations: .int8)

  private func weight(_ name: String, rows: Int, columns: Int) throws -> EncodedMatrix {
    try EncodedMatrix(
      .noise(rows: rows, columns: columns, seed: 2, deviation: 0.1),
      encoding: try #require(Encodings.named(name)))
  }

  /// Each group of inputs as whole multiples of 1/127 of its largest.
  private func rounded(_ input: Matrix, group: Int) -> [Double] {
    (0..<input.rows).flatMap { token in
      let row = Array(input.values[token * input.columns..<(token + 1) * input.columns])
      return stride(from: 0, to: input.columns, by: group).flatMap { first in
        let values = row[first..<min(first + group, input.columns)]
        let largest = values.reduce(0) { max($0, abs($1)) }
        guard largest > 0 else { return [Double](repeating: 0, count: values.count) }
        let inverse: Float = 127 / largest
        let scale: Float = largest * (1 / 127)
        return values.map { value -> Double in
          let code = (value * inverse).rounded(.toNearestOrEven)
          return Double(code) * Double(scale)
        }
      }
    }
  }

  private func product(_ input: [Double], _ weight: Matrix, bias: [Float]?) -> [Double] {
    var products = [Double]()
    for first in stride(from: 0, to: input.count, by: weight.columns) {
      for row in 0..<weight.rows {
        var sum = bias.map { Double($0[row]) } ?? 0
        for column in 0..<weight.columns {
          sum += input[first + column] * Double(weight.values[row * weight.columns + column])
        }
        products.append(sum)
      }
    }
    return products
  }

  /// Around tiles of 16, scales of 32, tasks of 128 rows and eight tokens side by side.
  static let shapes = [
    (1, 1, 1), (1, 63, 15), (2, 64, 16), (4, 65, 17), (5, 127, 33), (17, 128, 64), (19, 129, 257),
    (257, 130, 31),
  ]

  @Test(arguments: [
    ("q8", 32), ("q8g16", 16), ("q8g32", 32), ("q6", 32), ("q5g256", 32), ("q4", 32),
  ])
  func `a product is exact in the rounded activations`(name: String, group: Int) throws {
    for (tokens, rows, columns) in Self.shapes {
      let weight = try weight(name, rows: rows, columns: columns)
      let input = Matrix.noise(rows: tokens, columns: columns, seed: 1)
      for bias in [nil, [Float].noise(rows, seed: 3)] {
        let exact = product(rounded(input, group: group), weight.expanded(), bias: bias)
        let difference = Difference(
          engine.linear(input, weight, bias: bias).values, from: exact)
        // Single precision over at most nine sums of whole numbers.
        #expect(difference.largest <= 1e-6, "\(tokens) × \(columns) × \(rows): \(difference)")
      }
    }
  }

  @Test(arguments: ["q8", "q8g16", "q6g128", "q4"])
  func `tokens give the same bits alone and together`(name: String) throws {
    for (tokens, rows, columns) in Self.shapes + [(33, 300, 288)] {
      let weight = try weight(name, rows: rows, columns: columns)
      let input = Matrix.noise(rows: tokens, columns: columns, seed: 1)
      let bias = [Float].noise(rows, seed: 3)
      let together = engine.linear(input, weight, bias: bias)
      for threads in [1, 2, 3] {
        let other = FastEngine(threads: threads, activations: .int8)
        let alone = (0..<tokens).flatMap {
          other.linear(input.rows($0..<$0 + 1), weight, bias: bias).values
        }
        #expect(alone == together.values)
        #expect(other.linear(input, weight, bias: bias) == together)
      }
    }
  }

  @Test func `a context takes activations as it is told, floats if it is not`() throws {
    let weight = try weight("q8", rows: 20, columns: 70)
    let input = Matrix.noise(rows: 3, columns: 70, seed: 1)
    let (bytes, floats) = (
      engine.linear(input, weight, bias: nil),
      FastEngine(activations: .float).linear(input, weight, bias: nil)
    )
    #expect(bytes != floats)
    #expect(
      ExecutionContext(activations: .int8).engine.linear(input, weight, bias: nil) == bytes)
    #expect(ExecutionContext().engine.linear(input, weight, bias: nil) == floats)
    let reference = ExecutionContext(engine: .reference, activations: .int8).engine
    #expect(
      reference.linear(input, weight, bias: nil)
        == ReferenceEngine().linear(input, weight, bias: nil))
  }

  @Test(arguments: FloatEncoding.allCases)
  func `products with weights that are floats stay as they are`(encoding: FloatEncoding) throws {
    for (tokens, rows, columns) in Self.shapes {
      let weight = try weight(encoding.name, rows: rows, columns: columns)
      let input = Matrix.noise(rows: tokens, columns: columns, seed: 1)
      let expected = FastEngine(activations: .float).linear(input, weight, bias: nil)
      #expect(engine.linear(input, weight, bias: nil) == expected)
    }
  }

  @Test(arguments: ["q8", "q4"])
  func `a token that is not finite stays so and leaves the others alone`(name: String) throws {
    let weight = try weight(name, rows: 20, columns: 70)
    for value in [Float.nan, .infinity] {
      var input = Matrix.noise(rows: 3, columns: 70, seed: 1)
      let clean = engine.linear(input, weight, bias: nil)
      input.values[70 + 33] = value
      let found = engine.linear(input, weight, bias: nil)
      #expect(found.rows(0..<1) == clean.rows(0..<1))
      #expect(found.rows(1..<2).values.allSatisfy { !$0.isFinite })
      #expect(found.rows(2..<3) == clean.rows(2..<3))
    }
  }

  @Test(
    arguments: [ActivationPrecision.int8, .a8].flatMap { [($0, "q8"), ($0, "q4")] },
    [(1, 15, 3), (3, 40, 16), (19, 150, 16)])
  func `a gated scan projects time steps from bytes, and reads as bytes what a scan does`(
    kind: (activations: ActivationPrecision, encoding: String),
    size: (tokens: Int, channels: Int, states: Int)
  ) throws {
    let input = try EngineCases.gatedInput(
      kind.encoding, tokens: size.tokens, channels: size.channels, states: size.states)
    let parameters = EngineCases.scanParameters(channels: size.channels, states: size.states)
    let engine = FastEngine(activations: kind.activations)
    let steps = engine.linear(input.timeSteps.copied, input.timeStepProjection, bias: nil)
    var expectedState = parameters.initialState
    let scanned = engine.selectiveScan(
      SelectiveScanInput(
        values: input.values, timeSteps: steps, inputWeights: input.inputWeights.copied,
        outputWeights: input.outputWeights.copied),
      parameters, state: &expectedState)
    let expected = engine.gate(scanned, by: input.gate.copied)
    for threads in [1, 2, 3] {
      var state = parameters.initialState
      let found = FastEngine(threads: threads, activations: kind.activations)
        .gatedSelectiveScan(input, parameters, state: &state)
      // The gate is multiplied in another place, with the same roundings to a few.
      let difference = Difference(found.values, from: expected.values)
      #expect(difference.largest <= 1e-6, "\(difference)")
      #expect(state == expectedState)
    }
  }
}
