package import Quant

/// An engine that computes as another one does and shows what is multiplied with which matrix.
struct ObservedEngine: Engine {
  /// Called before each product with an encoded matrix, on the thread that computes it.
  typealias Observer = @Sendable (_ weight: EncodedMatrix, _ input: MatrixSlice) -> Void

  let base: any Engine
  let observer: Observer

  func linear(_ input: Matrix, _ weight: EncodedMatrix, bias: [Float]?) -> Matrix {
    observer(weight, input.slice)
    return base.linear(input, weight, bias: bias)
  }

  func gatedSelectiveScan(
    _ input: GatedScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix {
    observer(input.timeStepProjection, input.timeSteps)
    return base.gatedSelectiveScan(input, parameters, state: &state)
  }

  func rmsNormalize(_ input: Matrix, weight: [Float], epsilon: Float) -> Matrix {
    base.rmsNormalize(input, weight: weight, epsilon: epsilon)
  }

  func rmsNormalize(_ input: Matrix, weight: [Float], groups: Int, epsilon: Float) -> Matrix {
    base.rmsNormalize(input, weight: weight, groups: groups, epsilon: epsilon)
  }

  func layerNormalize(_ input: Matrix, weight: [Float], bias: [Float], epsilon: Float) -> Matrix {
    base.layerNormalize(input, weight: weight, bias: bias, epsilon: epsilon)
  }

  func causalConvolution(
    _ input: MatrixSlice, weight: [Float], bias: [Float]?, history: inout [Float]
  ) -> Matrix {
    base.causalConvolution(input, weight: weight, bias: bias, history: &history)
  }

  func gridConvolution(
    _ input: Matrix, height: Int, width: Int, kernel: Int, weight: [Float], bias: [Float]?
  ) -> Matrix {
    base.gridConvolution(
      input, height: height, width: width, kernel: kernel, weight: weight, bias: bias)
  }

  func selectiveScan(
    _ input: SelectiveScanInput, _ parameters: SelectiveScanParameters, state: inout [Float]
  ) -> Matrix { base.selectiveScan(input, parameters, state: &state) }

  func stateSpaceScan(
    _ input: SelectiveScanInput, _ parameters: StateSpaceParameters, state: inout [Float]
  ) -> Matrix { base.stateSpaceScan(input, parameters, state: &state) }

  func gatedStateSpaceScan(
    _ input: GatedStateSpaceInput, _ parameters: StateSpaceParameters, state: inout [Float]
  ) -> Matrix { base.gatedStateSpaceScan(input, parameters, state: &state) }

  func attention(queries: Matrix, keys: Matrix, values: Matrix, heads: Int) -> Matrix {
    base.attention(queries: queries, keys: keys, values: values, heads: heads)
  }

  func activate(_ input: Matrix, _ activation: Activation) -> Matrix {
    base.activate(input, activation)
  }

  func gate(_ input: Matrix, by gate: Matrix) -> Matrix { base.gate(input, by: gate) }

  func logSoftmax(_ logits: Matrix) -> Matrix { base.logSoftmax(logits) }
}

extension ExecutionContext {
  /// The same execution, with every product shown before it is computed.
  package func observed(
    _ observer: @escaping @Sendable (_ weight: EncodedMatrix, _ input: MatrixSlice) -> Void
  ) -> ExecutionContext {
    ExecutionContext(self, engine: ObservedEngine(base: engine, observer: observer))
  }
}
