import Foundation
import Quant
import Runtime
import TestSupport
import Testing

/// Scans whose inputs are bytes and whose states are rounded.
@Suite struct IntegerScanTests {
  /// Groups of each row as whole multiples of 1/127 of their largest element.
  private func rounded(_ matrix: Matrix, group: Int) -> Matrix {
    var result = matrix
    for row in 0..<matrix.rows {
      for first in stride(from: 0, to: matrix.columns, by: group) {
        let places = (first..<min(first + group, matrix.columns)).map { row * matrix.columns + $0 }
        let largest = places.reduce(0) { max($0, abs(matrix.values[$1])) }
        for place in places where largest > 0 {
          let code = (matrix.values[place] * (127 / largest)).rounded(.toNearestOrEven)
          result.values[place] = code * (largest * (1 / 127))
        }
      }
    }
    return result
  }

  private func rounded(_ input: SelectiveScanInput) -> SelectiveScanInput {
    SelectiveScanInput(
      values: rounded(input.values, group: 32), timeSteps: input.timeSteps,
      inputWeights: rounded(input.inputWeights, group: input.inputWeights.columns),
      outputWeights: rounded(input.outputWeights, group: input.outputWeights.columns))
  }

  @Test(arguments: [1, 5, 32, 64])
  func `rows of codes stand for rounded numbers`(group: Int) {
    let wide = Matrix.noise(rows: 3, columns: 75, seed: 1)
    let codes = RoundedRows(wide.slice(5..<70), groupSize: group)
    #expect((codes.rows, codes.columns, codes.groups) == (3, 65, (64 + group) / group))
    #expect(codes.widened == rounded(wide.columns(5..<70), group: group))
  }

  @Test func `rows keep what is not finite and what is zero`() {
    let zeros = RoundedRows(Matrix(rows: 2, columns: 3).slice, groupSize: 64)
    #expect(zeros.scales == [0, 0] && zeros.widened == Matrix(rows: 2, columns: 3))
    for value in [Float.infinity, .nan] {
      let matrix = Matrix(rows: 1, columns: 3, values: [value, 1, 2])
      let codes = RoundedRows(matrix.slice, groupSize: 2)
      #expect(!codes.widened.values[0].isFinite && codes.widened.values[2] == 2)
    }
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

  @Test(arguments: [(1, 15, 3), (3, 40, 16), (19, 150, 16), (64, 130, 16)])
  func `a scan of bytes is exact in the rounded numbers`(
    tokens: Int, channels: Int, states: Int
  ) {
    let (input, parameters) = sample(tokens: tokens, channels: channels, states: states)
    let (output, end) = EngineOracle.selectiveScan(
      rounded(input), parameters, state: parameters.initialState)
    for threads in [1, 2] {
      var state = parameters.initialState
      let found = FastEngine(threads: threads, activations: .a8)
        .selectiveScan(input, parameters, state: &state)
      // As for floats: exponentials to 2e-7, over 64 steps.
      let difference = Difference(found.values + state, from: output + end)
      #expect(difference.largest <= 5e-6, "\(difference)")
    }
  }

  @Test(arguments: ActivationPrecision.allCases, StatePrecision.allCases)
  func `tokens give the same bits one by one and together`(
    activations: ActivationPrecision, precision: StatePrecision
  ) {
    let (input, parameters) = sample(tokens: 37, channels: 150, states: 16)
    let engine = FastEngine(activations: activations, state: precision)
    var (whole, stepwise) = (parameters.initialState, parameters.initialState)
    let together = engine.selectiveScan(input, parameters, state: &whole)
    let alone = (0..<37).flatMap { token in
      let row = token..<token + 1
      return engine.selectiveScan(
        SelectiveScanInput(
          values: input.values.rows(row), timeSteps: input.timeSteps.rows(row),
          inputWeights: input.inputWeights.rows(row),
          outputWeights: input.outputWeights.rows(row)),
        parameters, state: &stepwise
      ).values
    }
    #expect(alone == together.values)
    #expect(stepwise == whole)
    for threads in [2, 3] {
      var state = parameters.initialState
      let other = FastEngine(threads: threads, activations: activations, state: precision)
      #expect(other.selectiveScan(input, parameters, state: &state) == together)
      #expect(state == whole)
    }
  }

  @Test func `the scan of bytes keeps 38 decibels, with a rounded state 36`() {
    let (input, parameters) = sample(tokens: 256, channels: 256, states: 16)
    func scan(_ engine: FastEngine) -> [Float] {
      var state = parameters.initialState
      return engine.selectiveScan(input, parameters, state: &state).values
    }
    let exact = scan(FastEngine())
    let bytes = Difference(scan(FastEngine(activations: .a8)), from: exact)
    #expect(bytes.signalToNoise >= 38, "\(bytes.signalToNoise) dB")
    let both = Difference(scan(FastEngine(activations: .a8, state: .int8)), from: exact)
    #expect(both.signalToNoise >= 36, "\(both.signalToNoise) dB")
  }

  /// The recurrence in double precision from the state that the kernel left, one token at a time: an element near the
  /// middle between two codes may become either.
  @Test func `a rounded state is half a step from the recurrence at every token of a prompt`() {
    let (tokens, channels, states) = (40, 50, 16)
    let (input, parameters) = sample(tokens: tokens, channels: channels, states: states)
    let engine = FastEngine(state: .int8)
    var state = parameters.initialState
    for token in 0..<tokens {
      let row = token..<token + 1
      let one = SelectiveScanInput(
        values: input.values.rows(row), timeSteps: input.timeSteps.rows(row),
        inputWeights: input.inputWeights.rows(row), outputWeights: input.outputWeights.rows(row))
      let (output, exact) = EngineOracle.selectiveScan(one, parameters, state: state)
      let found = engine.selectiveScan(one, parameters, state: &state)
      #expect(Difference(found.values, from: output).largest <= 2e-6)
      for channel in 0..<channels {
        let places = (0..<states).map { parameters.tiles.index(channel: channel, state: $0) }
        let step = places.reduce(0) { max($0, abs(exact[$1])) } / 127
        #expect(places.allSatisfy { abs(Double(state[$0]) - exact[$0]) <= step * 0.501 })
      }
    }
    // All of the prompt at once rounds as often.
    var whole = parameters.initialState
    _ = engine.selectiveScan(input, parameters, state: &whole)
    #expect(whole == state)
  }
}
