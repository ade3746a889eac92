import Quant

/// A model in its role of answering questions about images.
struct Respondent: Sendable {
  /// An answer.
  struct Answer: Sendable {
    /// What was asked for: token ids and the end of the text, or the index of a class.
    let expected: [Int]
    /// Whether it is the expected answer.
    let isExpected: Bool
    /// Predictions at the tokens of the expected answer and its end, or of the classes.
    let logProbabilities: Matrix
    /// What was given: token ids, or the index of a class. An answer that is not as expected is decoded when this
    /// is called: only a comparison needs it.
    let given: @Sendable () throws -> [Int]

    /// Whether two models gave the same answer, which is known unless both are wrong.
    func isSame(as other: Answer) throws -> Bool {
      if isExpected || other.isExpected { return isExpected == other.isExpected }
      return try given() == other.given()
    }
  }

  private let model: Model

  init(_ model: Model) throws(ModelError) {
    self.model = model
    if model.description.vision.first?.classes != nil, model.language == nil { return }
    _ = try model.requireLanguage("a question")
    try model.requireVision("a question about an image")
    _ = try model.requireTokenizer("a question")
  }

  /// Answers questions about one image; nothing for a question that cannot be put to this model.
  ///
  /// The image, and the tokens with which all the questions begin, are read once.
  func answer(
    _ questions: [QuestionSet.Question], about image: RGBImage
  ) throws -> [Answer?] {
    let encoded = try model.encode(image)
    if let logits = encoded.vision.classLogits, model.language == nil {
      return questions.map { classify($0, logits) }
    }
    let tokenizer = try model.requireTokenizer("a question")
    let prompts = questions.map { question in
      tokenizer.encode(
        model.description.prompt?.text(for: question.question) ?? question.question)
    }
    let shared = Self.sharedBeginning(of: prompts)
    let seen = try beginning(encoded.embeddings, shared)
    return try zip(questions, prompts).map { question, prompt in
      try answer(question, prompt: Array(prompt.dropFirst(shared.count)), after: seen)
    }
  }

  /// The tokens with which several prompts begin, all of them; each keeps at least its last token.
  static func sharedBeginning(of prompts: [[Int]]) -> [Int] {
    guard let first = prompts.first, prompts.count > 1 else { return [] }
    let count = prompts.reduce(first.count) { count, prompt in
      let equal = zip(first, prompt).prefix { $0 == $1 }.count
      return min(count, equal, max(0, prompt.count - 1))
    }
    return Array(first.prefix(count))
  }

  /// The model after an image and the first tokens; nothing if there is neither.
  private func beginning(_ image: Matrix?, _ ids: [Int]) throws -> PromptSnapshot? {
    var snapshot: PromptSnapshot?
    if let image { snapshot = try model.read(image) }
    guard !ids.isEmpty else { return snapshot }
    return try model.read(model.requireLanguage("a question").embed(ids), after: snapshot)
  }

  private func classify(_ question: QuestionSet.Question, _ logits: Matrix) -> Answer? {
    guard let expected = model.description.vision.first?.classes?.firstIndex(of: question.answer)
    else { return nil }
    let given = logits.largest(inRow: 0)
    return Answer(
      expected: [expected], isExpected: given == expected,
      logProbabilities: model.context.engine.logSoftmax(logits), given: { [given] })
  }

  /// Lets the model predict the expected answer.
  private func answer(
    _ question: QuestionSet.Question, prompt: [Int], after seen: PromptSnapshot?
  ) throws -> Answer {
    let language = try model.requireLanguage("a question")
    let end = language.shape.endOfText.first.map { [$0] } ?? []
    let expected = try model.requireTokenizer("a question").encode(" " + question.answer) + end
    var state = seen?.state ?? language.initialState
    let hidden = language.run(
      try language.embed(prompt + expected.dropLast()), state: &state, model.context)
    let predictions = model.context.engine.logSoftmax(
      language.logits(hidden.rows(hidden.rows - expected.count..<hidden.rows), model.context))
    let mostLikely = (0..<predictions.rows).map { predictions.largest(inRow: $0) }
    // The most likely token at every place is the expected one: decoding greedily would give the same.
    let isExpected = mostLikely == expected
    return Answer(expected: expected, isExpected: isExpected, logProbabilities: predictions) {
      isExpected ? expected : try decode(language.embed(prompt), after: seen)
    }
  }

  /// The most likely token after each other, without the end.
  private func decode(_ prompt: Matrix, after seen: PromptSnapshot?) throws -> [Int] {
    var generation = try Generation(
      model, after: model.read(prompt, after: seen), sampler: Sampler(temperature: 0))
    var given = [Int]()
    while given.count < AnswerEvaluation.longestAnswer, let id = try generation.next() {
      given.append(id)
    }
    return given
  }
}
