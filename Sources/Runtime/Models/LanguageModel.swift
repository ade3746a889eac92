public import Quant

/// A Mamba language model: embedding, layers of norm and mixer with a residual, final norm, head.
public struct LanguageModel: Sendable {
  /// What the model is made of.
  public let shape: LanguageDescription
  private let embedding: EncodedMatrix
  private let layers: [Layer]
  private let normalization: Normalization
  private let head: Linear

  private struct Layer: Sendable {
    let normalization: Normalization
    let mixer: MambaMixer
  }

  /// What the model remembers of the tokens before; its size does not depend on their number.
  public struct State: Sendable, Equatable {
    fileprivate var mixers: [MambaMixer.State]
  }

  /// Loads the tensors below `language`.
  public init(_ weights: some WeightSource, _ shape: LanguageDescription) throws {
    self.shape = shape
    let width = shape.mixer.width
    embedding = try weights.matrix(
      "language.embedding.weight", rows: shape.vocabularySize, columns: width)
    layers = try (0..<shape.layers).map { index in
      let name = "language.layers.\(index)"
      return Layer(
        normalization: try Normalization(
          weights, name + ".normalization", shape.normalization, width: width,
          epsilon: shape.epsilon),
        mixer: try MambaMixer(weights, name + ".mixer", shape.mixer))
    }
    normalization = try Normalization(
      weights, "language.normalization", shape.normalization, width: width, epsilon: shape.epsilon)
    head =
      shape.hasTiedHead
      ? Linear(weight: embedding, bias: nil)
      : try Linear(
        weights, "language.head", outputs: shape.vocabularySize, inputs: width, hasBias: false)
  }

  /// The state before the first token.
  public var initialState: State { State(mixers: layers.map(\.mixer.initialState)) }

  /// The rows of the embedding for some ids: `[ids, width]`.
  public func embed(_ ids: [Int]) throws(ModelError) -> Matrix {
    var values = [Float]()
    values.reserveCapacity(ids.count * embedding.columns)
    for id in ids {
      guard (0..<embedding.rows).contains(id) else {
        throw .tokenOutsideVocabulary(id, vocabulary: embedding.rows)
      }
      values += embedding.expanded(rows: id..<id + 1).values
    }
    return Matrix(rows: ids.count, columns: embedding.columns, values: values)
  }

  /// Runs embeddings `[tokens, width]` through all layers and the final norm, and advances the state.
  public func run(_ embeddings: Matrix, state: inout State, _ context: ExecutionContext) -> Matrix {
    var stream = embeddings
    for (index, layer) in layers.enumerated() {
      let mixed = layer.mixer(
        layer.normalization(stream, context.engine), state: &state.mixers[index], context)
      stream.add(mixed)
    }
    return normalization(stream, context.engine)
  }

  /// Logits `[tokens, vocabulary]` for outputs of `run`.
  public func logits(_ hidden: Matrix, _ context: ExecutionContext) -> Matrix {
    head(hidden, context.engine)
  }
}
