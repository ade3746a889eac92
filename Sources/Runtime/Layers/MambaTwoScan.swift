import Quant

/// The part of a Mamba-2 mixer between its two projections: convolution, scan and gated normalization.
struct MambaTwoScan: Sendable {
  private let shape: MambaTwoMixerDescription
  private let convolutionWeight: [Float]
  private let convolutionBias: [Float]?
  private let scan: StateSpaceParameters
  private let normalization: [Float]?

  /// Loads the tensors below `name`; the normalization may be shared and lies below `normalizationName`.
  init(
    _ weights: some WeightSource, _ name: String, normalizationName: String,
    _ shape: MambaTwoMixerDescription
  ) throws {
    self.shape = shape
    let inner = shape.innerWidth
    convolutionWeight = try weights.vector(
      name + ".convolution.weight", count: shape.convolvedWidth * shape.convolutionWidth)
    convolutionBias = try weights.vector(
      name + ".convolution.bias", count: shape.convolvedWidth, if: shape.hasConvolutionBias)
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
      normalizationName + ".weight", count: inner, if: shape.hasNormalization)
  }

  var initialState: RecurrentState {
    RecurrentState(
      history: [Float](
        repeating: 0, count: (shape.convolutionWidth - 1) * shape.convolvedWidth),
      scan: scan.initialState)
  }

  /// Scans projected tokens `[tokens, projectedWidth]`, whose columns are z, x, B, C and Δ, to `[tokens, innerWidth]`.
  func callAsFunction(
    _ projected: Matrix, state: inout RecurrentState, _ context: ExecutionContext
  ) -> Matrix {
    let engine = context.engine
    let (inner, convolvedWidth) = (shape.innerWidth, shape.convolvedWidth)
    let convolved = engine.causalConvolution(
      projected.slice(inner..<inner + convolvedWidth), weight: convolutionWeight,
      bias: convolutionBias, history: &state.history)
    let scanInput = GatedStateSpaceInput(
      convolved: convolved, gate: projected.slice(0..<inner),
      timeSteps: projected.slice(inner + convolvedWidth..<projected.columns), scan)
    let gated = engine.gatedStateSpaceScan(scanInput, scan, state: &state.scan)
    guard let normalization else { return gated }
    return engine.rmsNormalize(
      gated, weight: normalization, groups: shape.groups, epsilon: Float(shape.epsilon))
  }
}
