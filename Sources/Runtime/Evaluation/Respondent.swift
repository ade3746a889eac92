import Quant

/// A model in its role of answering questions about images.
struct Respondent: Sendable {
  /// An answer.
  struct Answer: Sendable {
    /// What was given: token ids, or the index of a class.
    let given: [Int]
    /// Whether it is the expected answer.
    let isExpected: Bool
    /// Predictions at the tokens of the expected answer and its end, or of the classes.
    let logProbabilities: Matrix
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
  func answer(
    _ questions: [QuestionSet.Question], about image: RGBImage
  ) throws -> [Answer?] {
    let encoded = try model.encode(image)
    if let logits = encoded.vision.classLogits, model.language == nil {
      return questions.map { classify($0, logits) }
    }
    let language = try model.requireLanguage("a question")
    var state = language.initialState
    if let embeddings = encoded.embeddings {
      _ = language.run(embeddings, state: &state, model.context)
    }
    return try questions.map { try answer($0, language, after: state) }
  }

  private func classify(_ question: QuestionSet.Question, _ logits: Matrix) -> Answer? {
    guard let expected = model.description.vision.first?.classes?.firstIndex(of: question.answer)
    else { return nil }
    let given = logits.largest(inRow: 0)
    return Answer(
      given: [given], isExpected: given == expected,
      logProbabilities: model.context.engine.logSoftmax(logits))
  }

  private func answer(
    _ question: QuestionSet.Question, _ language: LanguageModel, after image: LanguageModel.State
  ) throws -> Answer {
    let tokenizer = try model.requireTokenizer("a question")
    let prompt = tokenizer.encode(
      model.description.prompt?.text(for: question.question) ?? question.question)
    let end = language.shape.endOfText.first.map { [$0] } ?? []
    let expected = tokenizer.encode(" " + question.answer) + end
    var state = image
    let hidden = language.run(
      try language.embed(prompt + expected.dropLast()), state: &state, model.context)
    let predictions = model.context.engine.logSoftmax(
      language.logits(hidden.rows(hidden.rows - expected.count..<hidden.rows), model.context))
    let greedy = (0..<predictions.rows).map { predictions.largest(inRow: $0) }
    // The most likely token at every place is the expected one: decoding greedily would give the same.
    guard greedy != expected else {
      return Answer(given: expected, isExpected: true, logProbabilities: predictions)
    }
    var generation = try Generation(
      model, embeddings: language.embed(prompt), state: image, sampler: Sampler(temperature: 0))
    var given = [Int]()
    while given.count < AnswerEvaluation.longestAnswer, let id = try generation.next() {
      given.append(id)
    }
    return Answer(given: given + end, isExpected: false, logProbabilities: predictions)
  }
}
