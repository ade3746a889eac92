import Benchmark
import Quant
import Runtime

/// What mixes tokens: scans and convolutions of a model 768 wide.
func measureSequences() {
  let engine = FastEngine()
  for tokens in [1, 64] {
    Benchmark.measure(
      "selective scan, channels 1536, states 16, tokens \(tokens)",
      of: { SelectiveScan(channels: 1536, states: 16, tokens: tokens) }, { $0.run(engine) })
    Benchmark.measure(
      "state-space scan, heads 24, width 64, states 128, tokens \(tokens)",
      of: { StateSpaceScan(heads: 24, headWidth: 64, states: 128, tokens: tokens) },
      { $0.run(engine) })
    Benchmark.measure(
      "causal convolution, channels 1536, kernel 4, tokens \(tokens)",
      of: { Convolution(channels: 1536, kernel: 4, tokens: tokens) }, { $0.run(engine) })
  }
}

/// A scan of Mamba-1 from an empty state.
private struct SelectiveScan {
  let input: SelectiveScanInput
  let parameters: SelectiveScanParameters

  init(channels: Int, states: Int, tokens: Int) {
    input = SelectiveScanInput(
      values: .seeded(rows: tokens, columns: channels),
      timeSteps: .seeded(rows: tokens, columns: channels),
      inputWeights: .seeded(rows: tokens, columns: states),
      outputWeights: .seeded(rows: tokens, columns: states))
    parameters = SelectiveScanParameters(
      logarithmicDecay: Matrix.seeded(rows: channels, columns: states).values,
      skip: [Float](repeating: 1, count: channels),
      timeStepBias: [Float](repeating: -4, count: channels), states: states)
  }

  func run(_ engine: FastEngine) -> Matrix {
    var state = parameters.initialState
    return engine.selectiveScan(input, parameters, state: &state)
  }
}

/// A scan of Mamba-2 with one group from an empty state.
private struct StateSpaceScan {
  let input: SelectiveScanInput
  let parameters: StateSpaceParameters

  init(heads: Int, headWidth: Int, states: Int, tokens: Int) {
    input = SelectiveScanInput(
      values: .seeded(rows: tokens, columns: heads * headWidth),
      timeSteps: .seeded(rows: tokens, columns: heads),
      inputWeights: .seeded(rows: tokens, columns: states),
      outputWeights: .seeded(rows: tokens, columns: states))
    parameters = StateSpaceParameters(
      heads: heads, headWidth: headWidth, groups: 1, states: states,
      logarithmicDecay: Matrix.seeded(rows: 1, columns: heads).values,
      skip: [Float](repeating: 1, count: heads),
      timeStepBias: [Float](repeating: -4, count: heads), timeStepMinimum: 0,
      timeStepMaximum: .infinity)
  }

  func run(_ engine: FastEngine) -> Matrix {
    var state = parameters.initialState
    return engine.stateSpaceScan(input, parameters, state: &state)
  }
}

/// A causal convolution with an empty history.
private struct Convolution {
  let input: Matrix
  let weight: [Float]
  let bias: [Float]
  let history: [Float]

  init(channels: Int, kernel: Int, tokens: Int) {
    input = .seeded(rows: tokens, columns: channels)
    weight = Matrix.seeded(rows: channels, columns: kernel).values
    bias = [Float](repeating: 0, count: channels)
    history = [Float](repeating: 0, count: (kernel - 1) * channels)
  }

  func run(_ engine: FastEngine) -> Matrix {
    var history = history
    return engine.causalConvolution(
      input.slice, weight: weight, bias: bias, history: &history)
  }
}
