import Quant

/// One pre-norm transformer layer of a vision encoder.
///
///     x = x + attention(norm(x))
///     x = x + feedForward(norm(x))
struct VisionTransformerLayer: Sendable {
  private let attentionNormalization: Normalization
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let attentionOutput: Linear
  private let feedForwardNormalization: Normalization
  private let feedForward: FeedForward
  private let heads: Int

  init(_ weights: some WeightSource, _ name: String, _ shape: VisionDescription) throws {
    let width = shape.width
    func projection(_ part: String) throws -> Linear {
      try Linear(weights, "\(name).attention.\(part)", outputs: width, inputs: width)
    }
    attentionNormalization = try Normalization(
      weights, name + ".attentionNormalization", .layer, width: width, epsilon: shape.epsilon)
    query = try projection("query")
    key = try projection("key")
    value = try projection("value")
    attentionOutput = try projection("output")
    feedForwardNormalization = try Normalization(
      weights, name + ".feedForwardNormalization", .layer, width: width, epsilon: shape.epsilon)
    feedForward = try FeedForward(
      weights, name + ".feedForward", inputs: width, inner: shape.feedForwardWidth, outputs: width,
      activation: shape.activation)
    heads = shape.heads
  }

  func callAsFunction(_ input: Matrix, _ engine: any Engine) -> Matrix {
    var stream = input
    let normalized = attentionNormalization(stream, engine)
    let attended = engine.attention(
      queries: query(normalized, engine), keys: key(normalized, engine),
      values: value(normalized, engine), heads: heads)
    stream.add(attentionOutput(attended, engine))
    stream.add(feedForward(feedForwardNormalization(stream, engine), engine))
    return stream
  }
}

/// Two projections with an activation between them: `output(activation(input(x)))`.
struct FeedForward: Sendable {
  private let input: Linear
  private let output: Linear
  private let activation: Activation

  /// Loads `name.input` and `name.output`.
  init(
    _ weights: some WeightSource, _ name: String, inputs: Int, inner: Int, outputs: Int,
    activation: Activation
  ) throws {
    input = try Linear(weights, name + ".input", outputs: inner, inputs: inputs)
    output = try Linear(weights, name + ".output", outputs: outputs, inputs: inner)
    self.activation = activation
  }

  func callAsFunction(_ stream: Matrix, _ engine: any Engine) -> Matrix {
    output(engine.activate(input(stream, engine), activation), engine)
  }
}
