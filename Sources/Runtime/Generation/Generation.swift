public import Quant

/// Generates tokens one by one until the text ends.
public struct Generation: Sendable {
  private let language: LanguageModel
  private let context: ExecutionContext
  private let emittable: Int
  private var state: LanguageModel.State
  private var hidden: Matrix
  private var sampler: Sampler
  private var pending: Int?
  private var isFinished = false

  /// Reads a prompt.
  ///
  /// - Parameters:
  ///   - embeddings: the prompt, `[tokens, width]`, at least one token.
  ///   - state: what came before the prompt.
  public init(
    _ model: Model, embeddings: Matrix, state: LanguageModel.State?, sampler: Sampler
  ) throws(ModelError) {
    language = try model.requireLanguage("text")
    context = model.context
    guard embeddings.rows > 0 else {
      throw .nothingToEvaluate("the prompt has no tokens")
    }
    // Rows that only pad the vocabulary are never emitted.
    emittable = min(
      language.shape.vocabularySize, model.tokenizer?.vocabularySize ?? Int.max)
    self.sampler = sampler
    self.state = state ?? language.initialState
    let output = language.run(embeddings, state: &self.state, context)
    hidden = output.rows(output.rows - 1..<output.rows)
  }

  /// The next token, or nothing at the end of the text.
  public mutating func next() throws(ModelError) -> Int? {
    guard !isFinished else { return nil }
    if let pending {
      hidden = language.run(try language.embed([pending]), state: &state, context)
    }
    let id = sampler.choose(language.logits(hidden, context).values, count: emittable)
    pending = id
    isFinished = language.shape.endOfText.contains(id)
    return isFinished ? nil : id
  }
}
