import Runtime

/// The operations of `Engine`, each with cases of ragged sizes.
enum EngineOperation: String, CaseIterable {
  case linear, rmsNormalize, layerNormalize, causalConvolution, gridConvolution, selectiveScan
  case gatedScan, attention, activate, gate, logSoftmax

  /// One call with its inputs.
  struct Case {
    let name: String
    /// Everything that the call gives, state and history after the output.
    let run: (any Engine) -> [Float]
    /// The same in double precision.
    let oracle: () -> [Double]
  }

  var cases: [Case] {
    get throws {
      switch self {
      case .linear: try EngineCases.linear
      case .rmsNormalize: EngineCases.rmsNormalize
      case .layerNormalize: EngineCases.layerNormalize
      case .causalConvolution: EngineCases.causalConvolution
      case .gridConvolution: EngineCases.gridConvolution
      case .selectiveScan: EngineCases.scans
      case .gatedScan: try EngineCases.gatedScans
      case .attention: EngineCases.attention
      case .activate: EngineCases.activate
      case .gate: EngineCases.gate
      case .logSoftmax: EngineCases.logSoftmax
      }
    }
  }
}
