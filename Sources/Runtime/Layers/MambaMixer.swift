import Quant

/// The mixer of a Mamba-1 layer (arXiv:2312.00752, section 3.4).
///
///     [x | z]      = inputProjection(u)
///     x            = silu(causal convolution of x)
///     [Δ | B | C]  = scanProjection(x)
///     y            = selective scan of x with timeStepProjection(Δ), B, C
///     output       = outputProjection(y ⊙ silu(z))
struct MambaMixer: SequenceMixer {
  let shape: MambaMixerDescription
  private let inputProjection: Linear
  private let convolutionWeight: [Float]
  private let convolutionBias: [Float]?
  private let scanProjection: Linear
  private let timeStepProjection: Linear
  private let scan: SelectiveScanParameters
  let outputProjection: Linear

  /// Loads the tensors below `name`.
  init(_ weights: some WeightSource, _ name: String, _ shape: MambaMixerDescription) throws {
    self.shape = shape
    let (inner, states, rank) = (shape.innerWidth, shape.stateSize, shape.timeStepRank)
    inputProjection = try Linear(
      weights, name + ".inputProjection", outputs: 2 * inner, inputs: shape.width,
      hasBias: shape.hasProjectionBias)
    convolutionWeight = try weights.vector(
      name + ".convolution.weight", count: inner * shape.convolutionWidth)
    convolutionBias = try weights.vector(
      name + ".convolution.bias", count: inner, if: shape.hasConvolutionBias)
    scanProjection = try Linear(
      weights, name + ".scanProjection", outputs: rank + 2 * states, inputs: inner, hasBias: false)
    timeStepProjection = try Linear(
      weights, name + ".timeStepProjection", outputs: inner, inputs: rank, hasBias: false)
    scan = SelectiveScanParameters(
      logarithmicDecay: try weights.vector(name + ".logarithmicDecay", count: inner * states),
      skip: try weights.vector(name + ".skip", count: inner),
      timeStepBias: try weights.vector(name + ".timeStepProjection.bias", count: inner),
      states: states)
    outputProjection = try Linear(
      weights, name + ".outputProjection", outputs: shape.width, inputs: inner,
      hasBias: shape.hasProjectionBias)
  }

  var initialState: RecurrentState {
    RecurrentState(
      history: [Float](
        repeating: 0, count: (shape.convolutionWidth - 1) * shape.innerWidth),
      scan: scan.initialState)
  }

  var matrices: [EncodedMatrix] {
    [inputProjection, scanProjection, timeStepProjection, outputProjection].map(\.weight)
  }

  var stages: [String] { ["values", "time_step", "gated_scan"] }

  func outputProjectionInputs(
    _ input: Matrix, state: inout RecurrentState, _ context: ExecutionContext
  ) -> Matrix {
    let engine = context.engine
    let inner = shape.innerWidth
    let projected = inputProjection(input, engine)
    let values = engine.causalConvolution(
      projected.slice(0..<inner), weight: convolutionWeight, bias: convolutionBias,
      history: &state.history)
    let scanInput = GatedScanInput(
      values: values, parameters: normalized(scanProjection(values, engine), engine),
      timeStepProjection: timeStepProjection.weight, states: shape.stateSize,
      gate: projected.slice(inner..<2 * inner))
    return engine.gatedSelectiveScan(scanInput, scan, state: &state.scan)
  }

  /// FalconMamba brings time step, B and C each to unit mean square before they are used.
  private func normalized(_ parameters: Matrix, _ engine: any Engine) -> Matrix {
    guard let epsilon = shape.parameterNormalizationEpsilon else { return parameters }
    let (rank, states) = (shape.timeStepRank, shape.stateSize)
    return [0..<rank, rank..<rank + states, rank + states..<rank + 2 * states]
      .map { columns in
        engine.rmsNormalize(
          parameters.columns(columns), weight: [Float](repeating: 1, count: columns.count),
          epsilon: Float(epsilon))
      }
      .reduce(Matrix(rows: parameters.rows, columns: 0)) { $0.beside($1) }
  }
}
