import Quant
import Runtime

/// A Mamba-1 layer in single precision: a norm and a mixer, with a residual around both. See `MambaMixer`.
struct MambaLayer: Sendable {
  let index: Int
  let shape: MambaMixerDescription
  let epsilon: Float
  let normalization: [Float]
  let inputProjection: Matrix
  let inputBias: [Float]?
  let convolution: [Float]
  let convolutionBias: [Float]?
  let scanProjection: Matrix
  let timeStepProjection: Matrix
  let scan: SelectiveScanParameters
  let outputProjection: Matrix
  let outputBias: [Float]?

  init(
    _ shape: MambaMixerDescription, index: Int, epsilon: Float, load: MambaWeights.Load
  ) throws {
    let (width, inner, states, rank) = (
      shape.width, shape.innerWidth, shape.stateSize, shape.timeStepRank
    )
    func matrix(_ tensor: LayerTensor, _ rows: Int, _ columns: Int) throws -> Matrix {
      try load(tensor.name(layer: index), rows, columns)
    }
    func vector(_ tensor: LayerTensor, _ count: Int, if exists: Bool = true) throws -> [Float]? {
      exists ? try matrix(tensor, 1, count).values : nil
    }
    self.index = index
    self.shape = shape
    self.epsilon = epsilon
    normalization = try matrix(.normalization, 1, width).values
    inputProjection = try matrix(.inputProjection, 2 * inner, width)
    inputBias = try vector(.inputBias, 2 * inner, if: shape.hasProjectionBias)
    convolution = try matrix(.convolution, inner, shape.convolutionWidth).values
    convolutionBias = try vector(.convolutionBias, inner, if: shape.hasConvolutionBias)
    scanProjection = try matrix(.scanProjection, rank + 2 * states, inner)
    timeStepProjection = try matrix(.timeStepProjection, inner, rank)
    scan = SelectiveScanParameters(
      logarithmicDecay: try matrix(.logarithmicDecay, inner, states).values,
      skip: try matrix(.skip, 1, inner).values,
      timeStepBias: try matrix(.timeStepBias, 1, inner).values, states: states)
    outputProjection = try matrix(.outputProjection, width, inner)
    outputBias = try vector(.outputBias, width, if: shape.hasProjectionBias)
  }

  /// What a pass backward needs; the rest is computed once more from it.
  struct Trace {
    /// The stream before the layer: `[tokens, width]`.
    let stream: Matrix
    /// Outputs of the input projection: `[tokens, 2 · inner]`.
    let projected: Matrix
  }

  /// What enters the scan.
  struct Prepared {
    /// Before the convolution: `[tokens, inner]`.
    let values: Matrix
    let gate: Matrix
    /// Time step, B and C side by side: `[tokens, rank + 2 · states]`.
    let parameters: Matrix
    let input: SelectiveScanInput
  }

  /// The stream after the layer, from a zero state.
  func run(_ stream: Matrix, _ engine: any Engine) -> (output: Matrix, trace: Trace) {
    let normalized = engine.rmsNormalize(stream, weight: normalization, epsilon: epsilon)
    let projected = normalized.product(withTransposed: inputProjection, bias: inputBias)
    let prepared = prepare(projected, engine)
    var state = scan.initialState
    let scanned = engine.selectiveScan(prepared.input, scan, state: &state)
    let gated = engine.gate(scanned, by: prepared.gate)
    var output = gated.product(withTransposed: outputProjection, bias: outputBias)
    output.add(stream)
    return (output, Trace(stream: stream, projected: projected))
  }

  func prepare(_ projected: Matrix, _ engine: any Engine) -> Prepared {
    let (inner, rank, states) = (shape.innerWidth, shape.timeStepRank, shape.stateSize)
    let values = projected.columns(0..<inner)
    var history = [Float](repeating: 0, count: (shape.convolutionWidth - 1) * inner)
    let convolved = engine.causalConvolution(
      values.slice, weight: convolution, bias: convolutionBias, history: &history)
    let parameters = convolved.product(withTransposed: scanProjection)
    let input = SelectiveScanInput(
      values: convolved,
      timeSteps: parameters.columns(0..<rank).product(withTransposed: timeStepProjection),
      inputWeights: parameters.columns(rank..<rank + states),
      outputWeights: parameters.columns(rank + states..<rank + 2 * states))
    return Prepared(
      values: values, gate: projected.columns(inner..<2 * inner), parameters: parameters,
      input: input)
  }
}
