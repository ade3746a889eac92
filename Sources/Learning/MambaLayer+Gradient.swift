import Quant
import Runtime

extension MambaLayer {
  /// The derivatives in the stream before the layer, from those in the stream after it.
  ///
  /// - Parameter sink: takes the derivatives in the layer's tensors.
  func gradient(
    _ outputs: Matrix, _ trace: Trace, _ engine: any Engine, sink: MambaNetwork.GradientSink
  ) -> Matrix {
    func give(_ tensor: LayerTensor, _ gradient: Matrix) {
      sink(tensor.name(layer: index), gradient)
    }
    let prepared = prepare(trace.projected, engine)

    var gated = outputs.product(with: outputProjection)
    let scanned = ScanGradient(engine.gate(gated, by: prepared.gate), prepared.input, scan)
    give(
      .outputProjection,
      outputs.transposedProduct(with: engine.gate(scanned.outputs, by: prepared.gate)))
    if outputBias != nil { give(.outputBias, outputs.columnSums) }
    gated.multiply(by: scanned.outputs)
    let gates = GradientLoops.silu(prepared.gate, gated)

    give(.logarithmicDecay, scanned.logarithmicDecay)
    give(.skip, scanned.skip)
    give(.timeStepBias, scanned.timeStepBias)
    let ranks = prepared.parameters.columns(0..<shape.timeStepRank)
    give(.timeStepProjection, scanned.timeSteps.transposedProduct(with: ranks))
    let parameters = scanned.timeSteps.product(with: timeStepProjection)
      .beside(scanned.inputWeights).beside(scanned.outputWeights)
    give(.scanProjection, parameters.transposedProduct(with: prepared.input.values))
    var convolved = scanned.values
    convolved.add(parameters.product(with: scanProjection))

    let values = GradientLoops.causalConvolution(
      prepared.values, weight: convolution, bias: convolutionBias, convolved)
    give(.convolution, values.weight)
    if convolutionBias != nil { give(.convolutionBias, values.bias) }

    let projected = values.input.beside(gates)
    let normalized = engine.rmsNormalize(trace.stream, weight: normalization, epsilon: epsilon)
    give(.inputProjection, projected.transposedProduct(with: normalized))
    if inputBias != nil { give(.inputBias, projected.columnSums) }
    var stream = GradientLoops.rmsNormalization(
      trace.stream, weight: normalization, epsilon: epsilon,
      projected.product(with: inputProjection))
    give(.normalization, stream.weight)
    stream.input.add(outputs)
    return stream.input
  }
}
