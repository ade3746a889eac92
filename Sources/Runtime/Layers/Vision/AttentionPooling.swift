import Quant

/// SigLIP's pooling head: one learned query attends to all patches, then a residual feed-forward layer.
struct AttentionPooling: Sendable {
  private let probe: Matrix
  private let projections: AttentionProjections
  private let attentionOutput: Linear
  private let normalization: Normalization
  private let feedForward: FeedForward
  private let heads: Int

  init(_ weights: some WeightSource, _ name: String, _ shape: VisionDescription) throws {
    let width = shape.width
    probe = Matrix(
      rows: 1, columns: width, values: try weights.vector(name + ".probe", count: width))
    projections = try AttentionProjections(
      weights, name + ".attention", shape.poolingProjections, width: width, hasBias: true)
    attentionOutput = try Linear(
      weights, name + ".attention.output", outputs: width, inputs: width)
    normalization = try Normalization(
      weights, name + ".normalization", .layer, width: width, epsilon: shape.epsilon)
    feedForward = try FeedForward(
      weights, name + ".feedForward", inputs: width, inner: shape.feedForwardWidth, outputs: width,
      activation: shape.activation)
    heads = shape.heads
  }

  /// The matrices that every patch is multiplied with.
  var patchMatrices: [EncodedMatrix] { [projections.key.weight, projections.value.weight] }

  /// The matrices that the query of the image is multiplied with.
  var queryMatrices: [EncodedMatrix] {
    [projections.query.weight, attentionOutput.weight] + feedForward.matrices
  }

  /// Pools patches `[patches, width]` to `[1, width]`.
  func callAsFunction(_ patches: Matrix, _ engine: any Engine) -> Matrix {
    var pooled = attentionOutput(
      engine.attention(
        queries: projections.query(probe, engine), keys: projections.key(patches, engine),
        values: projections.value(patches, engine), heads: heads),
      engine)
    pooled.add(feedForward(normalization(pooled, engine), engine))
    return pooled
  }
}
