public import Quant

/// Exact-match accuracy of greedy answers, alone or side by side with a reference model.
public struct AnswerEvaluation: Sendable {
  /// 1 for every question that was answered as expected.
  public private(set) var accuracy = SampleMean()
  /// The same, and agreement, for each kind of question.
  public private(set) var kinds = [String: Kind]()
  /// Accuracy of the reference model.
  public private(set) var referenceAccuracy: SampleMean?
  /// 1 where both models gave the same answer.
  public private(set) var agreement: SampleMean?
  /// How far the predictions of the expected answers' tokens are from the reference's.
  public private(set) var divergence: Divergence?
  /// Questions of the set that the model cannot be asked.
  public private(set) var skipped = 0

  /// Questions of one kind.
  public struct Kind: Sendable {
    /// 1 for every question that was answered as expected.
    public fileprivate(set) var accuracy = SampleMean()
    /// 1 where both models gave the same answer; empty without a reference model.
    public fileprivate(set) var agreement = SampleMean()
  }

  /// The longest answer, in tokens.
  static let longestAnswer = 64

  private init(hasReference: Bool) {
    guard hasReference else { return }
    referenceAccuracy = SampleMean()
    agreement = SampleMean()
    divergence = Divergence()
  }

  /// Asks a vision-language model all questions, or lets a classifier name the images whose answer is a class.
  public init(
    _ set: QuestionSet, model: Model, against reference: Model?, threads: ThreadPool,
    progress: ProgressReport
  ) throws {
    let respondent = try Respondent(model)
    let referenceRespondent = try reference.map { try Respondent($0) }
    let groups = set.byImage
    let outcomes = try threads.map(groups.count, progress: progress) { index in
      let group = groups[index]
      let image = try RGBImage(contentsOf: set.path(of: group.image))
      let answers = try respondent.answer(group.questions, about: image)
      let references = try referenceRespondent?.answer(group.questions, about: image)
      return try answers.enumerated().map { number, answer in
        try Outcome(answer, references?[number])
      }
    }
    self.init(hasReference: reference != nil)
    for (question, outcome) in zip(groups.flatMap(\.questions), outcomes.joined()) {
      add(question, outcome)
    }
    guard accuracy.count > 0 else {
      throw ModelError.nothingToEvaluate("no question of the set can be put to this model")
    }
    if let divergence, !divergence.mean.mean.isFinite {
      throw ModelError.nonFinitePredictions("the model or the reference model")
    }
  }

  /// How one question was answered.
  private struct Outcome: Sendable {
    let isExpected: Bool
    let comparison: Comparison?

    /// Nothing for a question that the model cannot be asked.
    init?(_ answer: Respondent.Answer?, _ reference: Respondent.Answer?) throws {
      guard let answer else { return nil }
      isExpected = answer.isExpected
      comparison = try reference.map { try Comparison(answer, $0) }
    }
  }

  /// How an answer compares with that of the reference model.
  private struct Comparison: Sendable {
    let isReferenceExpected: Bool
    let isSame: Bool
    let logProbabilities: Matrix
    let referenceLogProbabilities: Matrix

    init(_ answer: Respondent.Answer, _ reference: Respondent.Answer) throws {
      guard answer.expected == reference.expected,
        answer.logProbabilities.columns == reference.logProbabilities.columns
      else {
        throw ModelError.contradiction("the two models write an answer in different tokens")
      }
      isReferenceExpected = reference.isExpected
      isSame = try answer.isSame(as: reference)
      logProbabilities = answer.logProbabilities
      referenceLogProbabilities = reference.logProbabilities
    }
  }

  private mutating func add(_ question: QuestionSet.Question, _ outcome: Outcome?) {
    guard let outcome else {
      skipped += 1
      return
    }
    let hit = outcome.isExpected ? 1.0 : 0
    accuracy.add(hit)
    if let kind = question.kind { kinds[kind, default: Kind()].accuracy.add(hit) }
    guard let comparison = outcome.comparison else { return }
    referenceAccuracy?.add(comparison.isReferenceExpected ? 1 : 0)
    let same = comparison.isSame ? 1.0 : 0
    agreement?.add(same)
    if let kind = question.kind { kinds[kind, default: Kind()].agreement.add(same) }
    divergence?.add(
      reference: comparison.referenceLogProbabilities, model: comparison.logProbabilities)
  }
}
