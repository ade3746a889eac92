import Format
import Quant
import Runtime
import TestSupport
import Testing

@Suite struct AnswerEvaluationTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func set(_ questions: [(image: String, answer: String, kind: String?)]) throws
    -> QuestionSet
  {
    let lines = questions.map { question in
      var members: [String: JSON] = [
        "image": .string("../" + question.image), "question": .string("What is it?"),
        "answer": .string(question.answer),
      ]
      members["kind"] = question.kind.map(JSON.string)
      return JSON.dictionary(members).canonicalText
    }
    // Image paths start from the file's directory.
    let path = try directory.directory("sets") + "/set.jsonl"
    for image in Set(questions.map(\.image)) {
      try directory.copy(Fixtures.image(image), as: image)
    }
    try directory.write(lines.joined(separator: "\n"), as: "sets/set.jsonl")
    return try QuestionSet(path: path)
  }

  private func evaluate(
    _ set: QuestionSet, _ model: Model, against reference: Model? = nil, threads: Int = 1
  ) throws -> AnswerEvaluation {
    try AnswerEvaluation(
      set, model: model, against: reference, threads: ThreadPool(threads: threads),
      progress: { _, _ in })
  }

  /// A model that says nothing but spaces, for ever, whatever it sees.
  private func spaces() throws -> Model {
    let space = SampleTokenizer.id(of: UInt8(ascii: " "))
    return try SampleModel.loadVisionLanguage(
      SampleWeights(constants: [
        "language.normalization.weight": { _ in 0 }, "language.normalization.bias": { _ in 1 },
        "language.head.weight": { $0 == space ? 1 : 0 },
      ])
    ) {
      $0.language?.normalization = .layer
      $0.language?.endOfText = []
    }
  }

  @Test func `an answer counts when every token of it is the most likely one`() throws {
    let questions = try set([
      ("rgb.png", "", "empty"), ("rgb.png", " ", "space"), ("grey.jpg", "no", "word"),
      ("grey.jpg", "no", nil),
    ])
    let evaluation = try evaluate(questions, spaces())
    #expect(evaluation.accuracy.count == 4)
    #expect(evaluation.accuracy.mean == 0.5)
    #expect(evaluation.kinds.mapValues(\.accuracy.mean) == ["empty": 1, "space": 1, "word": 0])
    #expect(evaluation.referenceAccuracy == nil && evaluation.agreement == nil)
    #expect(evaluation.skipped == 0)
  }

  @Test func `a model against itself gives the same answers`() throws {
    let questions = try set([("rgb.png", "a", nil), ("grey.jpg", "b", nil), ("rgb.png", "c", nil)])
    let model = try SampleModel.loadVisionLanguage()
    let evaluation = try evaluate(questions, model, against: model)
    #expect(evaluation.agreement?.mean == 1 && evaluation.agreement?.count == 3)
    #expect(evaluation.referenceAccuracy == evaluation.accuracy)
    #expect(evaluation.divergence?.mean.mean == 0)
    // Two bytes of each answer and the end of the text.
    #expect(evaluation.divergence?.values.count == 9)
  }

  /// Reading a prompt in parts changes the order of sums, and logits by less than 1e-5 of the largest.
  private static let readingInParts = 1e-4

  @Test func `questions asked together are answered as if each stood alone`() throws {
    let grey = ("grey.jpg", "x", String?.none)
    let asked = ["a", "b", "c"].map { ("rgb.png", $0, String?.none) }
    let questions = try set(asked + asked.flatMap { [grey, $0] })
    let other = try SampleModel.loadVisionLanguage(SampleWeights(seed: 1))
    let evaluation = try evaluate(questions, SampleModel.loadVisionLanguage(), against: other)
    // Two bytes of each answer and the end of the text.
    let values = try #require(evaluation.divergence?.values)
    let together = Array(values[0..<9])
    let alone = [4, 6, 8].flatMap { values[3 * $0..<3 * $0 + 3] }
    let difference = Difference(together, from: alone)
    #expect(difference.largest < Self.readingInParts, "\(difference)")
  }

  @Test func `agreement is counted for each kind of question`() throws {
    let questions = try set([
      ("rgb.png", "a", "wrong"), ("grey.jpg", "b", "wrong"), ("rgb.png", " ", "space"),
    ])
    let other = try SampleModel.loadVisionLanguage { $0.language?.endOfText = [] }
    let kinds = try evaluate(questions, spaces(), against: other).kinds
    #expect(kinds.mapValues(\.agreement.count) == ["wrong": 2, "space": 1])
    #expect(kinds.mapValues(\.agreement.mean) == ["wrong": 0, "space": 0])
    let same = try evaluate(questions, spaces(), against: spaces()).kinds
    #expect(same.mapValues(\.agreement.mean) == ["wrong": 1, "space": 1])
    #expect(try evaluate(questions, spaces()).kinds.values.allSatisfy { $0.agreement.count == 0 })
  }

  @Test func `answers that are both wrong are compared`() throws {
    let questions = try set([("rgb.png", "a", nil), ("grey.jpg", "b", nil)])
    let same = try evaluate(questions, spaces(), against: spaces())
    #expect(same.accuracy.mean == 0 && same.referenceAccuracy?.mean == 0)
    #expect(same.agreement?.mean == 1)
    let other = try SampleModel.loadVisionLanguage { $0.language?.endOfText = [] }
    let different = try evaluate(questions, spaces(), against: other)
    #expect(different.accuracy.mean == 0 && different.referenceAccuracy?.mean == 0)
    #expect(different.agreement?.mean == 0)
  }

  @Test func `models that write answers in different tokens are not compared`() throws {
    let questions = try set([("rgb.png", "a", nil)])
    #expect(
      throws: ModelError.contradiction("the two models write an answer in different tokens")
    ) { _ = try evaluate(questions, spaces(), against: SampleModel.loadVisionLanguage()) }
  }

  @Test func `a model against another one gives other answers`() throws {
    let questions = try set([("rgb.png", "", nil), ("grey.jpg", "b", nil)])
    let other = try SampleModel.loadVisionLanguage { $0.language?.endOfText = [] }
    let evaluation = try evaluate(questions, spaces(), against: other)
    #expect(evaluation.accuracy.mean == 0.5)
    #expect(evaluation.referenceAccuracy?.mean == 0)
    #expect(evaluation.agreement?.mean == 0)
    #expect((evaluation.divergence?.mean.mean ?? 0) > 0.1)
    let parallel = try evaluate(questions, spaces(), against: other, threads: 3)
    #expect(parallel.divergence?.values == evaluation.divergence?.values)
  }

  private func classifier(_ classes: [String], seed: UInt64 = 0) throws -> Model {
    var vision = SampleModel.vision
    vision.classes = classes
    return try Model(
      SampleWeights(seed: seed),
      ModelDescription(
        profile: "siglip-vit", vision: [vision], imageProcessors: [SampleModel.imageProcessor()]),
      tokenizer: nil, context: ExecutionContext())
  }

  @Test func `a classifier names images whose answer is a class`() throws {
    let classes = ["circle", "square", "star"]
    let model = try classifier(classes)
    let image = try RGBImage(contentsOf: Fixtures.image("rgb.png"))
    let logits = try #require(try model.encode(image).vision.classLogits)
    let own = classes[logits.largest(inRow: 0)]
    let other = try #require(classes.first { $0 != own })
    let questions = try set([
      ("rgb.png", own, nil), ("rgb.png", other, nil), ("rgb.png", "unknown", nil),
      ("rgb.png", own, nil),
    ])
    let evaluation = try evaluate(questions, model, against: model)
    #expect(evaluation.accuracy.count == 3)
    #expect(abs(evaluation.accuracy.mean - 2.0 / 3) < 1e-12)
    #expect(evaluation.skipped == 1)
    #expect(evaluation.agreement?.mean == 1)
    #expect(evaluation.divergence?.mean.mean == 0)
  }

  @Test func `a set without a question for the model is refused`() throws {
    let questions = try set([("rgb.png", "unknown", nil)])
    #expect(
      throws: ModelError.nothingToEvaluate("no question of the set can be put to this model")
    ) { _ = try evaluate(questions, classifier(["circle"])) }
  }

  @Test func `a model that cannot answer says what it lacks`() throws {
    let questions = try set([("rgb.png", "a", nil)])
    #expect(
      throws: ModelError.missingPart("vision encoder", needed: "a question about an image")
    ) { _ = try evaluate(questions, SampleModel.load()) }
    let tower = try Model(
      SampleWeights(), ModelDescription(profile: "siglip-vit", vision: [SampleModel.vision]),
      tokenizer: nil, context: ExecutionContext())
    #expect(throws: ModelError.missingPart("language model", needed: "a question")) {
      _ = try evaluate(questions, tower)
    }
    #expect(
      throws: ModelError.missingPart(
        "preprocessor configuration", needed: "preparing an image")
    ) {
      _ = try evaluate(
        questions, SampleModel.loadVisionLanguage { $0.imageProcessors = [] })
    }
  }

  @Test func `predictions that are no numbers are refused`() throws {
    let questions = try set([("rgb.png", "a", nil)])
    let broken = try SampleModel.loadVisionLanguage(
      SampleWeights(constants: ["language.normalization.weight": { _ in .nan }]))
    #expect(throws: ModelError.nonFinitePredictions("the model or the reference model")) {
      _ = try evaluate(questions, broken, against: SampleModel.loadVisionLanguage())
    }
  }
}
