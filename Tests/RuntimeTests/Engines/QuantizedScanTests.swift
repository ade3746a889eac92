import Foundation
import Quant
import Runtime
import TestSupport
import Testing

@Suite struct QuantizedScanTests {
  @Test(arguments: [(1, 1), (3, 63), (2, 64), (3, 65), (2, 200)])
  func `codes are at most half a step away`(rows: Int, columns: Int) {
    let matrix = Matrix.noise(rows: rows, columns: columns, seed: 1)
    let codes = QuantizedScanInput.Codes(matrix, groupSize: 64)
    #expect(codes.groups == (columns + 63) / 64)
    #expect(codes.scales.count == rows * codes.groups)
    for (index, (value, wide)) in zip(matrix.values, codes.widened.values).enumerated() {
      let scale = codes.scales[index / columns * codes.groups + index % columns / 64]
      #expect(abs(value - wide) <= scale / 2 * 1.0001)
    }
  }

  @Test func `the largest value of a group has the largest code`() {
    let matrix = Matrix(rows: 1, columns: 4, values: [-2, 1, 0.5, -0.25])
    let codes = QuantizedScanInput.Codes(matrix, groupSize: 2)
    #expect(codes.values == [-127, 64, 127, -64])
    #expect(codes.scales == [Float(2) / 127, Float(0.5) / 127])
  }

  @Test func `zeros have a scale of zero`() {
    let codes = QuantizedScanInput.Codes(Matrix(rows: 2, columns: 3), groupSize: 64)
    #expect(codes.scales == [0, 0])
    #expect(codes.widened == Matrix(rows: 2, columns: 3))
  }

  @Test func `what is not finite stays so`() {
    let matrix = Matrix(rows: 1, columns: 2, values: [.infinity, 1])
    let codes = QuantizedScanInput.Codes(matrix, groupSize: 64)
    #expect(codes.widened.values.allSatisfy { $0.isNaN })
  }

  /// Inputs as in a trained Mamba: SiLU outputs whose channels differ in size, time steps mostly from 0.001 to 0.1,
  /// decays 1 to the number of states.
  private func sample(
    tokens: Int, channels: Int, states: Int
  ) -> (SelectiveScanInput, SelectiveScanParameters) {
    var noise = Noise(seed: 40)
    var values = Matrix.noise(rows: tokens, columns: channels, seed: 41)
    let sizes = (0..<channels).map { _ in Float(exp(noise.normal() * 0.7)) }
    for index in values.values.indices {
      let value = values.values[index] * sizes[index % channels]
      values.values[index] = value / (1 + exp(-value))
    }
    let bias = (0..<channels).map { _ in
      let step = exp(log(0.001) + noise.uniform() * log(100))
      return Float(log(exp(step) - 1))
    }
    let input = SelectiveScanInput(
      values: values,
      timeSteps: .noise(rows: tokens, columns: channels, seed: 42),
      inputWeights: .noise(rows: tokens, columns: states, seed: 43),
      outputWeights: .noise(rows: tokens, columns: states, seed: 44))
    let decay = (0..<channels * states).map { Float(log(Double($0 % states + 1))) }
    let parameters = SelectiveScanParameters(
      logarithmicDecay: decay, skip: [Float](repeating: 1, count: channels), timeStepBias: bias,
      states: states)
    return (input, parameters)
  }

  @Test(arguments: [ExecutionContext.EngineKind.fast, .reference])
  func `the whole scan keeps 36 decibels`(kind: ExecutionContext.EngineKind) {
    let engine = ExecutionContext(engine: kind).engine
    let (input, parameters) = sample(tokens: 256, channels: 256, states: 16)
    var state = parameters.initialState
    let exact = engine.selectiveScan(input, parameters, state: &state)
    var quantizedState = parameters.initialState
    let rounded = engine.selectiveScan(
      QuantizedScanInput(input), parameters, state: &quantizedState)
    let output = Difference(rounded.values, from: exact.values)
    #expect(output.signalToNoise >= 36, "\(output.signalToNoise) dB")
  }

  @Test func `the kernel computes what the widened codes give`() {
    let (input, parameters) = sample(tokens: 64, channels: 130, states: 16)
    var state = parameters.initialState
    var referenceState = parameters.initialState
    let codes = QuantizedScanInput(input)
    let fast = FastEngine().selectiveScan(codes, parameters, state: &state)
    let reference = ReferenceEngine().selectiveScan(codes, parameters, state: &referenceState)
    // 64 steps of exponentials that agree to 2e-7.
    let difference = Difference(
      fast.values + state, from: reference.values + referenceState)
    #expect(difference.largest <= 5e-6, "\(difference)")
  }
}
