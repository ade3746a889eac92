public import Quant

/// A language model after it has read a prompt: any number of texts can go on from there, and the prompt is read once.
public struct PromptSnapshot: Sendable, Equatable {
  /// What the model remembers.
  public let state: LanguageModel.State
  /// Its output at the last position, from which the next token follows: `[1, width]`.
  public let hidden: Matrix

  init(state: LanguageModel.State, hidden: Matrix) {
    self.state = state
    self.hidden = hidden
  }
}

extension Model {
  /// Reads a prompt.
  ///
  /// - Parameters:
  ///   - embeddings: the prompt, `[tokens, width]`.
  ///   - before: what was read before it; a prompt without tokens leaves it as it is.
  /// - Throws: `nothingToEvaluate` if there are no tokens at all.
  public func read(
    _ embeddings: Matrix, after before: PromptSnapshot? = nil
  ) throws(ModelError) -> PromptSnapshot {
    let language = try requireLanguage("text")
    guard embeddings.rows > 0 else {
      guard let before else { throw .nothingToEvaluate("the prompt has no tokens") }
      return before
    }
    var state = before?.state ?? language.initialState
    let output = language.run(embeddings, state: &state, context)
    return PromptSnapshot(state: state, hidden: output.rows(output.rows - 1..<output.rows))
  }
}
