public import Quant

/// Brings vision features `[patches, visionWidth]` to the width of a language model.
public struct Connector: Sendable {
  private let stages: Stages

  private enum Stages: Sendable {
    case projections(ProjectionStack, PatchPooling?)
    case scanMLP(any GridMixer, Normalization, ProjectionStack)
    case scanLinear(Linear, any GridMixer, Normalization, Linear)
    case bidirectionalMixers(
      Linear, [BidirectionalMambaTwoLayer], Normalization, ProjectionStack)
  }

  /// Loads the tensors below `connector`.
  public init(_ weights: some WeightSource, _ shape: ConnectorDescription) throws {
    func projections(from inputs: Int) throws -> ProjectionStack {
      try ProjectionStack(
        weights, "connector.projections",
        widths: [inputs] + shape.innerWidths + [shape.outputWidth])
    }
    switch shape.kind {
    case .projections, .pooledProjections:
      stages = .projections(
        try projections(from: shape.inputWidth),
        try shape.pooling.map {
          try PatchPooling(weights, "connector.pooling", $0, width: shape.outputWidth)
        })
    case .scanMLP:
      let (scan, normalization) = try Self.scan(weights, shape)
      stages = .scanMLP(scan, normalization, try projections(from: shape.inputWidth))
    case .scanLinear: stages = try Self.scanLinear(weights, shape)
    case .bidirectionalMixers:
      stages = try Self.bidirectionalMixers(weights, shape, projections: projections)
    }
  }

  private static func scan(
    _ weights: some WeightSource, _ shape: ConnectorDescription
  ) throws -> (any GridMixer, Normalization) {
    guard let scan = shape.scan, let kind = shape.normalization else {
      throw ModelError.contradiction(
        "a connector with a scan needs its scan and its normalization")
    }
    let mixer: any GridMixer =
      switch scan.kind {
      case .gridScan: try GridScan(weights, "connector.scan", scan)
      case .sharedMixer: try SharedMixerGridScan(weights, "connector.scan", scan)
      }
    return (
      mixer,
      try Normalization(
        weights, "connector.normalization", kind, width: scan.mixer.width, epsilon: shape.epsilon)
    )
  }

  private static func scanLinear(
    _ weights: some WeightSource, _ shape: ConnectorDescription
  ) throws -> Stages {
    let (scan, normalization) = try scan(weights, shape)
    let width = shape.scan?.mixer.width ?? shape.outputWidth
    return .scanLinear(
      try Linear(weights, "connector.inputProjection", outputs: width, inputs: shape.inputWidth),
      scan, normalization,
      try Linear(weights, "connector.outputProjection", outputs: shape.outputWidth, inputs: width))
  }

  private static func bidirectionalMixers(
    _ weights: some WeightSource, _ shape: ConnectorDescription,
    projections: (_ inputs: Int) throws -> ProjectionStack
  ) throws -> Stages {
    guard let mixers = shape.mixers else {
      throw ModelError.contradiction("a connector of bidirectional mixers needs its mixers")
    }
    let width = mixers.mixer.width
    return .bidirectionalMixers(
      try Linear(weights, "connector.inputProjection", outputs: width, inputs: shape.inputWidth),
      try (0..<mixers.layers).map {
        try BidirectionalMambaTwoLayer(
          weights, "connector.layers.\($0)", mixers.mixer,
          feedForwardWidth: mixers.feedForwardWidth, epsilon: shape.epsilon)
      },
      try Normalization(
        weights, "connector.normalization", .layer, width: width, epsilon: shape.epsilon),
      try projections(width))
  }

  /// All matrices.
  var matrices: [EncodedMatrix] { passes.map(\.matrix) }

  /// Every matrix and how often each patch is multiplied with it.
  var passes: [(matrix: EncodedMatrix, count: Int)] {
    func once(_ matrices: [EncodedMatrix]) -> [(matrix: EncodedMatrix, count: Int)] {
      matrices.map { ($0, 1) }
    }
    func scanned(_ scan: any GridMixer) -> [(matrix: EncodedMatrix, count: Int)] {
      scan.matrices.map { ($0, scan.passes) }
    }
    return switch stages {
    case .projections(let projections, _): once(projections.matrices)
    case .scanMLP(let scan, _, let projections): scanned(scan) + once(projections.matrices)
    case .scanLinear(let input, let scan, _, let output):
      scanned(scan) + once([input.weight, output.weight])
    case .bidirectionalMixers(let input, let layers, _, let projections):
      once([input.weight] + layers.flatMap(\.matrices) + projections.matrices)
    }
  }

  /// Connects features; the result has one row for each token of the image.
  public func callAsFunction(_ features: Matrix, _ context: ExecutionContext) -> Matrix {
    let engine = context.engine
    switch stages {
    case .projections(let projections, let pooling):
      let projected = projections(features, engine)
      return pooling.map { $0(projected) } ?? projected
    case .scanMLP(let scan, let normalization, let projections):
      var stream = scan(features, context)
      stream.add(features)
      return projections(normalization(stream, engine), engine)
    case .scanLinear(let input, let scan, let normalization, let output):
      let projected = input(features, engine)
      var stream = scan(engine.activate(projected, .gelu), context)
      stream.add(projected)
      return output(normalization(stream, engine), engine)
    case .bidirectionalMixers(let input, let layers, let normalization, let projections):
      var stream = engine.activate(input(features, engine), .gelu)
      for layer in layers { stream = layer(stream, context) }
      return projections(normalization(stream, engine), engine)
    }
  }
}
