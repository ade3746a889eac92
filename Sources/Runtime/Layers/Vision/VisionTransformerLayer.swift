import Quant

/// One pre-norm transformer layer of a vision encoder.
///
///     x = x + scale ⊙ attention(norm(x))
///     x = x + scale ⊙ feedForward(norm(x))
struct VisionTransformerLayer: Sendable {
  private let attentionNormalization: Normalization
  private let attention: VisionAttention
  private let attentionScale: [Float]?
  private let feedForwardNormalization: Normalization
  private let feedForward: VisionFeedForward
  private let feedForwardScale: [Float]?

  init(_ weights: some WeightSource, _ name: String, _ shape: VisionDescription) throws {
    func normalization(_ part: String) throws -> Normalization {
      try Normalization(
        weights, "\(name).\(part)", shape.layer.normalization, width: shape.width,
        epsilon: shape.epsilon)
    }
    func scale(_ part: String) throws -> [Float]? {
      try weights.vector("\(name).\(part)", count: shape.width, if: shape.layer.hasScale)
    }
    attentionNormalization = try normalization("attentionNormalization")
    attention = try VisionAttention(weights, name + ".attention", shape)
    attentionScale = try scale("attentionScale")
    feedForwardNormalization = try normalization("feedForwardNormalization")
    feedForward = try VisionFeedForward(weights, name + ".feedForward", shape)
    feedForwardScale = try scale("feedForwardScale")
  }

  /// The matrices that every token is multiplied with.
  var matrices: [EncodedMatrix] { attention.matrices + feedForward.matrices }

  func callAsFunction(_ input: Matrix, _ engine: any Engine) -> Matrix {
    var stream = input
    var part = attention(attentionNormalization(stream, engine), engine)
    if let attentionScale { part.scaleColumns(by: attentionScale) }
    stream.add(part)
    part = feedForward(feedForwardNormalization(stream, engine), engine)
    if let feedForwardScale { part.scaleColumns(by: feedForwardScale) }
    stream.add(part)
    return stream
  }
}

/// Attention of all tokens to all tokens.
private struct VisionAttention: Sendable {
  private let projections: AttentionProjections
  private let queryNormalization: Normalization?
  private let keyNormalization: Normalization?
  private let output: Linear
  private let heads: Int

  init(_ weights: some WeightSource, _ name: String, _ shape: VisionDescription) throws {
    func normalization(_ part: String) throws -> Normalization? {
      try shape.layer.queryKeyEpsilon.map {
        try Normalization(weights, "\(name).\(part)", .rms, width: shape.width, epsilon: $0)
      }
    }
    projections = try AttentionProjections(
      weights, name, shape.layer.projections, width: shape.width,
      hasBias: shape.layer.hasProjectionBias)
    queryNormalization = try normalization("queryNormalization")
    keyNormalization = try normalization("keyNormalization")
    output = try Linear(weights, name + ".output", outputs: shape.width, inputs: shape.width)
    heads = shape.heads
  }

  var matrices: [EncodedMatrix] { projections.matrices + [output.weight] }

  func callAsFunction(_ stream: Matrix, _ engine: any Engine) -> Matrix {
    var queries = projections.query(stream, engine)
    var keys = projections.key(stream, engine)
    if let queryNormalization { queries = queryNormalization(queries, engine) }
    if let keyNormalization { keys = keyNormalization(keys, engine) }
    let attended = engine.attention(
      queries: queries, keys: keys, values: projections.value(stream, engine), heads: heads)
    return output(attended, engine)
  }
}

/// The feed-forward part of a layer, of either kind.
private enum VisionFeedForward: Sendable {
  case plain(FeedForward)
  case gated(GatedFeedForward)

  init(_ weights: some WeightSource, _ name: String, _ shape: VisionDescription) throws {
    switch shape.layer.feedForward {
    case .plain:
      self = .plain(
        try FeedForward(
          weights, name, inputs: shape.width, inner: shape.feedForwardWidth, outputs: shape.width,
          activation: shape.activation))
    case .gated:
      self = .gated(
        try GatedFeedForward(
          fused: weights, name, width: shape.width, inner: shape.feedForwardWidth))
    }
  }

  var matrices: [EncodedMatrix] {
    switch self {
    case .plain(let layer): layer.matrices
    case .gated(let layer): layer.matrices
    }
  }

  func callAsFunction(_ stream: Matrix, _ engine: any Engine) -> Matrix {
    switch self {
    case .plain(let layer): layer(stream, engine)
    case .gated(let layer): layer(stream, engine)
    }
  }
}
