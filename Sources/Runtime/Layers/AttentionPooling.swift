import Quant

/// SigLIP's pooling head: one learned query attends to all patches, then a residual feed-forward layer.
struct AttentionPooling: Sendable {
  private let probe: Matrix
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let attentionOutput: Linear
  private let normalization: Normalization
  private let feedForward: FeedForward
  private let heads: Int

  init(_ weights: some WeightSource, _ name: String, _ shape: VisionDescription) throws {
    let width = shape.width
    probe = Matrix(
      rows: 1, columns: width, values: try weights.vector(name + ".probe", count: width))
    // Rows of query, key and value lie in one matrix, in that order.
    let input = try Linear(
      weights, name + ".attention.input", outputs: 3 * width, inputs: width)
    query = input.rows(0..<width)
    key = input.rows(width..<2 * width)
    value = input.rows(2 * width..<3 * width)
    attentionOutput = try Linear(
      weights, name + ".attention.output", outputs: width, inputs: width)
    normalization = try Normalization(
      weights, name + ".normalization", .layer, width: width, epsilon: shape.epsilon)
    feedForward = try FeedForward(
      weights, name + ".feedForward", inputs: width, inner: shape.feedForwardWidth, outputs: width,
      activation: shape.activation)
    heads = shape.heads
  }

  /// Pools patches `[patches, width]` to `[1, width]`.
  func callAsFunction(_ patches: Matrix, _ engine: any Engine) -> Matrix {
    var pooled = attentionOutput(
      engine.attention(
        queries: query(probe, engine), keys: key(patches, engine), values: value(patches, engine),
        heads: heads),
      engine)
    pooled.add(feedForward(normalization(pooled, engine), engine))
    return pooled
  }
}
