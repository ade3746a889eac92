import Quant

/// The mixer of a Mamba-2 layer (arXiv:2405.21060, section 7).
///
///     [z | x | B | C | Δ] = inputProjection(u)
///     [x | B | C]         = silu(causal convolution of x, B and C)
///     y                   = scan of x with Δ, B, C
///     output              = outputProjection(norm(y ⊙ silu(z)))
///
/// The gate comes before the norm, whose groups are those of B and C.
struct MambaTwoMixer: SequenceMixer {
  private let shape: MambaTwoMixerDescription
  private let inputProjection: Linear
  private let convolutionWeight: [Float]
  private let convolutionBias: [Float]?
  private let scan: StateSpaceParameters
  private let normalization: [Float]?
  private let outputProjection: Linear

  /// Loads the tensors below `name`.
  init(_ weights: some WeightSource, _ name: String, _ shape: MambaTwoMixerDescription) throws {
    self.shape = shape
    let inner = shape.innerWidth
    let convolved = inner + 2 * shape.parameterWidth
    inputProjection = try Linear(
      weights, name + ".inputProjection", outputs: inner + convolved + shape.heads,
      inputs: shape.width, hasBias: shape.hasProjectionBias)
    convolutionWeight = try weights.vector(
      name + ".convolution.weight", count: convolved * shape.convolutionWidth)
    convolutionBias = try weights.vector(
      name + ".convolution.bias", count: convolved, if: shape.hasConvolutionBias)
    scan = StateSpaceParameters(
      heads: shape.heads, headWidth: shape.headWidth, groups: shape.groups,
      states: shape.stateSize,
      logarithmicDecay: try weights.vector(name + ".logarithmicDecay", count: shape.heads),
      skip: try weights.vector(
        name + ".skip", count: shape.hasChannelSkip ? inner : shape.heads),
      timeStepBias: try weights.vector(name + ".timeStepBias", count: shape.heads),
      timeStepMinimum: Float(shape.timeStepMinimum),
      timeStepMaximum: shape.timeStepMaximum.map { Float($0) } ?? .infinity)
    normalization = try weights.vector(
      name + ".normalization.weight", count: inner, if: shape.hasNormalization)
    outputProjection = try Linear(
      weights, name + ".outputProjection", outputs: shape.width, inputs: inner,
      hasBias: shape.hasProjectionBias)
  }

  var initialState: RecurrentState {
    RecurrentState(
      history: [Float](
        repeating: 0,
        count: (shape.convolutionWidth - 1) * (shape.innerWidth + 2 * shape.parameterWidth)),
      scan: scan.initialState)
  }

  func callAsFunction(
    _ input: Matrix, state: inout RecurrentState, _ context: ExecutionContext
  ) -> Matrix {
    let engine = context.engine
    let (inner, parameters) = (shape.innerWidth, shape.parameterWidth)
    let projected = inputProjection(input, engine)
    let convolved = engine.causalConvolution(
      projected.columns(inner..<2 * inner + 2 * parameters), weight: convolutionWeight,
      bias: convolutionBias, history: &state.history)
    let scanInput = SelectiveScanInput(
      values: convolved.columns(0..<inner),
      timeSteps: projected.columns(2 * inner + 2 * parameters..<projected.columns),
      inputWeights: convolved.columns(inner..<inner + parameters),
      outputWeights: convolved.columns(inner + parameters..<inner + 2 * parameters))
    let scanned = context.stateSpaceScan(scanInput, scan, state: &state.scan)
    var gated = engine.gate(scanned, by: projected.columns(0..<inner))
    if let normalization {
      gated = engine.rmsNormalize(
        gated, weight: normalization, groups: shape.groups, epsilon: Float(shape.epsilon))
    }
    return outputProjection(gated, engine)
  }
}
