import Quant

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

  /// Continues after a prompt.
  public init(_ model: Model, after prompt: PromptSnapshot, sampler: Sampler) throws(ModelError) {
    language = try model.requireLanguage("text")
    context = model.context
    // Rows that only pad the vocabulary are never emitted.
    emittable = min(
      language.shape.vocabularySize, model.tokenizer?.vocabularySize ?? Int.max)
    self.sampler = sampler
    state = prompt.state
    hidden = prompt.hidden
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
