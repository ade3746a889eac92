public import Quant

/// Brings vision features `[patches, visionWidth]` to the width of a language model.
public struct Connector: Sendable {
  private let stages: Stages

  private enum Stages: Sendable {
    case linear(Linear)
    case mlp(FeedForward)
    case scanMLP(any GridMixer, Normalization, FeedForward)
    case scanLinear(Linear, any GridMixer, Normalization, Linear)
  }

  /// Loads the tensors below `connector`.
  public init(_ weights: some WeightSource, _ shape: ConnectorDescription) throws {
    let (inputs, outputs) = (shape.inputWidth, shape.outputWidth)
    func mlp() throws -> FeedForward {
      try FeedForward(
        weights, "connector.mlp", inputs: inputs, inner: outputs, outputs: outputs,
        activation: .gelu)
    }
    switch (shape.kind, shape.scan, shape.normalization) {
    case (.linear, _, _):
      stages = .linear(
        try Linear(weights, "connector.projection", outputs: outputs, inputs: inputs))
    case (.mlp, _, _):
      stages = .mlp(try mlp())
    case (.scanMLP, let scan?, let kind?):
      stages = .scanMLP(
        try Self.mixer(weights, scan),
        try Normalization(
          weights, "connector.normalization", kind, width: inputs, epsilon: shape.epsilon),
        try mlp())
    case (.scanLinear, let scan?, let kind?):
      let width = scan.mixer.width
      stages = .scanLinear(
        try Linear(weights, "connector.inputProjection", outputs: width, inputs: inputs),
        try Self.mixer(weights, scan),
        try Normalization(
          weights, "connector.normalization", kind, width: width, epsilon: shape.epsilon),
        try Linear(weights, "connector.outputProjection", outputs: outputs, inputs: width))
    default:
      throw ModelError.contradiction(
        "a connector with a scan needs its scan and its normalization")
    }
  }

  private static func mixer(
    _ weights: some WeightSource, _ shape: GridScanDescription
  ) throws -> any GridMixer {
    switch shape.kind {
    case .gridScan: try GridScan(weights, "connector.scan", shape)
    case .sharedMixer: try SharedMixerGridScan(weights, "connector.scan", shape)
    }
  }

  /// Connects features; the result has one row for each patch.
  public func callAsFunction(_ features: Matrix, _ context: ExecutionContext) -> Matrix {
    let engine = context.engine
    switch stages {
    case .linear(let projection): return projection(features, engine)
    case .mlp(let mlp): return mlp(features, engine)
    case .scanMLP(let scan, let normalization, let mlp):
      var stream = scan(features, context)
      stream.add(features)
      return mlp(normalization(stream, engine), engine)
    case .scanLinear(let input, let scan, let normalization, let output):
      let projected = input(features, engine)
      var stream = scan(engine.activate(projected, .gelu), context)
      stream.add(projected)
      return output(normalization(stream, engine), engine)
    }
  }
}
