import Foundation
public import Quant

/// Perplexity of a text, alone or side by side with a reference model.
public struct TextEvaluation: Sendable {
  /// How the text was cut.
  public let windows: TextWindows
  /// Bytes of the text.
  public let bytes: Int
  /// Negative log-likelihood of a token, in nats.
  public let loss: SampleMean
  /// The same of the reference model.
  public let referenceLoss: SampleMean?
  /// Loss minus the reference's loss, token by token.
  public let lossDifference: SampleMean?
  /// How far the predictions are from the reference's.
  public let divergence: Divergence?

  /// Positions whose logits are in memory at a time.
  private static let positionsAtOnce = 128

  /// `exp(mean loss)`.
  public var perplexity: Double { exp(loss.mean) }
  /// `exp(mean loss of the reference)`.
  public var referencePerplexity: Double? { referenceLoss.map { exp($0.mean) } }
  /// Perplexity divided by the reference's.
  public var perplexityRatio: Double? { lossDifference.map { exp($0.mean) } }

  /// Evaluates a text.
  ///
  /// - Parameters:
  ///   - reference: a model with the same tokenizer to compare with.
  ///   - states: where the reference's states are kept, if it is compared with more than one model.
  ///   - limit: evaluates only that many windows.
  ///   - stepwise: whether the model reads one token after the other, as it does when it generates, instead of all of
  ///     a window at once. Errors of a state that is kept in few bits show only then.
  public init(
    _ text: String, model: Model, against reference: Model?,
    keepingIn states: ReferenceStates? = nil,
    windows: TextWindows, limit: Int? = nil, stepwise: Bool = false, threads: ThreadPool,
    progress: ProgressReport
  ) throws {
    let ids = try model.requireTokenizer("a text").encode(text)
    if let reference {
      guard try reference.requireTokenizer("a text").encode(text) == ids else {
        throw ModelError.contradiction("the two models split the text into different tokens")
      }
      guard
        reference.description.language?.vocabularySize
          == model.description.language?.vocabularySize
      else { throw ModelError.contradiction("the two models have vocabularies of different size") }
    }
    let cut = windows.cut(ids).prefix(limit ?? Int.max)
    guard !cut.isEmpty else {
      throw ModelError.nothingToEvaluate("the text has too few tokens")
    }
    let parts = try threads.map(cut.count, progress: progress) { index in
      try Part(
        cut[index], model: model, reference: reference, states: states, stepwise: stepwise)
    }
    var total = Part()
    for part in parts { total.add(part) }
    guard total.loss.mean.isFinite else { throw ModelError.nonFinitePredictions("the model") }
    guard reference == nil || total.referenceLoss.mean.isFinite else {
      throw ModelError.nonFinitePredictions("the reference model")
    }
    self.windows = windows
    bytes = text.utf8.count
    loss = total.loss
    referenceLoss = reference.map { _ in total.referenceLoss }
    lossDifference = reference.map { _ in total.difference }
    divergence = reference.map { _ in total.divergence }
  }

  /// The result of one window.
  private struct Part: Sendable {
    var loss = SampleMean()
    var referenceLoss = SampleMean()
    var difference = SampleMean()
    var divergence = Divergence()

    init() {}

    init(
      _ window: TextWindows.Window, model: Model, reference: Model?, states: ReferenceStates?,
      stepwise: Bool
    ) throws {
      let hidden = try model.hidden(window.input, stepwise: stepwise)
      let referenceHidden = try reference.map { reference in
        try states?.hidden(window.input) { try reference.hidden(window.input) }
          ?? reference.hidden(window.input)
      }
      let last = window.firstScored + window.targets.count
      for start in stride(from: window.firstScored, to: last, by: positionsAtOnce) {
        let rows = start..<min(start + positionsAtOnce, last)
        let targets = window.targets[
          rows.lowerBound - window.firstScored..<rows.upperBound - window.firstScored]
        let predicted = try model.logProbabilities(hidden.rows(rows))
        let expected = try referenceHidden.map { try reference?.logProbabilities($0.rows(rows)) }
        score(predicted, Array(targets), expected ?? nil)
      }
    }

    private mutating func score(_ predicted: Matrix, _ targets: [Int], _ expected: Matrix?) {
      for (row, target) in targets.enumerated() {
        let nats = -Double(predicted.values[row * predicted.columns + target])
        loss.add(nats)
        guard let expected else { continue }
        let referenceNats = -Double(expected.values[row * expected.columns + target])
        referenceLoss.add(referenceNats)
        difference.add(nats - referenceNats)
      }
      if let expected { divergence.add(reference: expected, model: predicted) }
    }

    mutating func add(_ other: Part) {
      loss.add(other.loss)
      referenceLoss.add(other.referenceLoss)
      difference.add(other.difference)
      divergence.add(other.divergence)
    }
  }
}

extension Model {
  /// Final hidden states for token ids, from a zero state: `[ids, width]`.
  func hidden(_ ids: [Int], stepwise: Bool = false) throws(ModelError) -> Matrix {
    let language = try requireLanguage("a text")
    var state = language.initialState
    let embeddings = try language.embed(ids)
    return stepwise
      ? language.runStepwise(embeddings, state: &state, context)
      : language.run(embeddings, state: &state, context)
  }

  /// Log-probabilities of the next token for final hidden states.
  func logProbabilities(_ hidden: Matrix) throws(ModelError) -> Matrix {
    context.engine.logSoftmax(try requireLanguage("a text").logits(hidden, context))
  }
}
