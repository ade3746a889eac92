public import Quant

/// A language model of recurrent layers: embedding, layers of norm and mixer with a residual, final norm, head.
public struct LanguageModel: Sendable {
  /// What the model is made of.
  public let shape: LanguageDescription
  private let embedding: EncodedMatrix
  let layers: [LanguageLayer]
  private let normalization: Normalization
  private let head: Linear

  /// What the model remembers of the tokens before; its size does not depend on their number.
  public struct State: Sendable, Equatable {
    /// What each layer's mixer remembers, from first to last.
    var mixers: [RecurrentState]
  }

  /// Loads the tensors below `language`.
  public init(_ weights: some WeightSource, _ shape: LanguageDescription) throws {
    self.shape = shape
    let width = shape.width
    embedding = try weights.matrix(
      "language.embedding.weight", rows: shape.vocabularySize, columns: width)
    layers = try shape.layers.indices.map { try LanguageLayer(weights, shape, index: $0) }
    normalization = try Normalization(
      weights, "language.normalization", shape.normalization, width: width, epsilon: shape.epsilon)
    head =
      shape.hasTiedHead
      ? Linear(weight: embedding, bias: nil)
      : try Linear(
        weights, "language.head", outputs: shape.vocabularySize, inputs: width, hasBias: false)
  }

  /// The matrices of all layers, which every token is multiplied with.
  var layerMatrices: [EncodedMatrix] { layers.flatMap(\.matrices) }

  /// The matrix that makes logits.
  var headMatrix: EncodedMatrix { head.weight }

  /// The embedding, unless it is the head.
  var embeddingMatrix: EncodedMatrix? { shape.hasTiedHead ? nil : embedding }

  /// The state before the first token.
  public var initialState: State { State(mixers: layers.map(\.initialState)) }

  /// The rows of the embedding for some ids: `[ids, width]`.
  public func embed(_ ids: [Int]) throws(ModelError) -> Matrix {
    try embedding.rows(ofTokens: ids)
  }

  /// Tokens that go through all layers together: their activations stay in the cache.
  private static let tokensAtOnce = 128

  /// Runs embeddings `[tokens, width]` through all layers and the final norm, and advances the state.
  public func run(_ embeddings: Matrix, state: inout State, _ context: ExecutionContext) -> Matrix {
    guard embeddings.rows > Self.tokensAtOnce else {
      return runTogether(embeddings, state: &state, context)
    }
    var values = [Float]()
    values.reserveCapacity(embeddings.values.count)
    for first in stride(from: 0, to: embeddings.rows, by: Self.tokensAtOnce) {
      let tokens = first..<min(first + Self.tokensAtOnce, embeddings.rows)
      values += runTogether(embeddings.rows(tokens), state: &state, context).values
    }
    return Matrix(rows: embeddings.rows, columns: embeddings.columns, values: values)
  }

  /// The same token by token, as a model runs when it generates.
  public func runStepwise(
    _ embeddings: Matrix, state: inout State, _ context: ExecutionContext
  ) -> Matrix {
    var values = [Float]()
    values.reserveCapacity(embeddings.values.count)
    for token in 0..<embeddings.rows {
      values += run(embeddings.rows(token..<token + 1), state: &state, context).values
    }
    return Matrix(rows: embeddings.rows, columns: embeddings.columns, values: values)
  }

  private func runTogether(
    _ embeddings: Matrix, state: inout State, _ context: ExecutionContext
  ) -> Matrix {
    var stream = embeddings
    for (index, layer) in layers.enumerated() {
      stream.add(layer.change(stream, state: &state.mixers[index], context))
    }
    return normalization(stream, context.engine)
  }

  /// Logits `[tokens, vocabulary]` for outputs of `run`.
  public func logits(_ hidden: Matrix, _ context: ExecutionContext) -> Matrix {
    head(hidden, context.engine)
  }
}

extension EncodedMatrix {
  /// The rows of an embedding for some ids: `[ids, width]`.
  package func rows(ofTokens ids: [Int]) throws(ModelError) -> Matrix {
    var values = [Float]()
    values.reserveCapacity(ids.count * columns)
    for id in ids {
      guard (0..<rows).contains(id) else {
        throw .tokenOutsideVocabulary(id, vocabulary: rows)
      }
      values += expanded(rows: id..<id + 1).values
    }
    return Matrix(rows: ids.count, columns: columns, values: values)
  }
}
