import Format
import Foundation
import Quant
import Runtime
import TestSupport
import Testing

@Suite struct TextEvaluationTests {
  private static let text =
    "The little scan reads from left to right, and then it stops: äöü 123.\n"

  private func evaluate(
    _ model: Model, on text: String = text, against reference: Model? = nil,
    windows: TextWindows = TextWindows(length: 16, beginning: 0), limit: Int? = nil,
    stepwise: Bool = false, threads: Int = 1
  ) throws -> TextEvaluation {
    try TextEvaluation(
      text, model: model, against: reference, windows: windows, limit: limit,
      stepwise: stepwise, threads: ThreadPool(threads: threads), progress: { _, _ in })
  }

  /// Log-probabilities of the next token behind each of some tokens, in double precision.
  private func logProbabilities(_ model: Model, _ ids: [Int]) throws -> [[Double]] {
    let language = try #require(model.language)
    var state = language.initialState
    let hidden = language.run(try language.embed(ids), state: &state, model.context)
    let logits = language.logits(hidden, model.context)
    return (0..<ids.count).map { row in
      let values = logits.rows(row..<row + 1).values.map(Double.init)
      let largest = values.max() ?? 0
      let logarithm = largest + log(values.reduce(0) { $0 + exp($1 - largest) })
      return values.map { $0 - logarithm }
    }
  }

  @Test func `a perplexity is that of the windows computed by hand`() throws {
    let model = try SampleModel.load()
    let ids = try SampleModel.tokenizer().encode(Self.text)
    var losses = [Double]()
    for start in stride(from: 0, to: ids.count, by: 15) {
      let window = Array(ids[start..<min(start + 15, ids.count)])
      let predictions = try logProbabilities(model, [0] + window)
      for (row, id) in window.enumerated() { losses.append(-predictions[row][id]) }
    }
    let mean = losses.reduce(0, +) / Double(losses.count)
    let evaluation = try evaluate(model)
    #expect(evaluation.loss.count == Self.text.utf8.count)
    #expect(evaluation.bytes == Self.text.utf8.count)
    // Single precision of log-probabilities around 5.
    #expect(abs(evaluation.loss.mean - mean) < 1e-6)
    #expect(abs(evaluation.perplexity / exp(mean) - 1) < 1e-6)
    #expect(evaluation.referencePerplexity == nil && evaluation.perplexityRatio == nil)
    #expect(evaluation.divergence == nil)
  }

  @Test(arguments: [0, 700, 1 << 20])
  func `kept states of the reference change no figure`(limit: Int) throws {
    let model = try SampleModel.load()
    let expected = try evaluate(model, against: model)
    let states = ReferenceStates(limit: limit)
    for _ in 0..<2 {
      let found = try TextEvaluation(
        Self.text, model: model, against: model, keepingIn: states,
        windows: TextWindows(length: 16, beginning: 0), threads: ThreadPool(threads: 2),
        progress: { _, _ in })
      #expect(found.referenceLoss == expected.referenceLoss)
      #expect(found.lossDifference == expected.lossDifference)
      #expect(found.divergence?.values == expected.divergence?.values)
    }
  }

  @Test func `token by token a model predicts the same`() throws {
    let model = try SampleModel.load()
    let whole = try evaluate(model), steps = try evaluate(model, against: model, stepwise: true)
    #expect(steps.loss.count == whole.loss.count)
    // Sums in another order, in single precision.
    #expect(abs(steps.loss.mean - whole.loss.mean) < 1e-5)
    #expect((steps.divergence?.mean.mean ?? 1) < 1e-6)
  }

  @Test func `a model against itself shows no difference`() throws {
    let model = try SampleModel.load()
    let evaluation = try evaluate(model, against: model)
    #expect(evaluation.perplexityRatio == 1)
    #expect(evaluation.referencePerplexity == evaluation.perplexity)
    #expect(evaluation.divergence?.mean.mean == 0)
    #expect(evaluation.divergence?.percentile99 == 0)
    #expect(evaluation.divergence?.agreement.mean == 1)
    #expect(evaluation.divergence?.values.count == evaluation.loss.count)
    #expect(evaluation.lossDifference?.standardError == 0)
  }

  @Test func `a model against another one shows how far it is`() throws {
    let model = try SampleModel.load()
    let reference = try SampleModel.load(SampleWeights(seed: 1))
    let windows = TextWindows(length: 1024, beginning: 0)
    let evaluation = try evaluate(model, against: reference, windows: windows)
    let alone = try evaluate(reference, windows: windows)
    #expect(evaluation.referencePerplexity == alone.perplexity)
    let ratio = try #require(evaluation.perplexityRatio)
    #expect(abs(ratio / (evaluation.perplexity / alone.perplexity) - 1) < 1e-12)
    let ids = try SampleModel.tokenizer().encode(Self.text)
    let read = [0] + ids.dropLast()
    let (p, q) = (try logProbabilities(reference, read), try logProbabilities(model, read))
    let divergences = zip(p, q).map { p, q in
      zip(p, q).reduce(0.0) { sum, pair in sum + exp(pair.0) * (pair.0 - pair.1) }
    }
    let mean = divergences.reduce(0, +) / Double(divergences.count)
    let divergence = try #require(evaluation.divergence)
    #expect(abs(divergence.mean.mean / mean - 1) < 1e-5)
    let agreeing = zip(p, q).filter { p, q in
      p.firstIndex(of: p.max() ?? 0) == q.firstIndex(of: q.max() ?? 0)
    }
    #expect(divergence.agreement.mean == Double(agreeing.count) / Double(p.count))
  }

  @Test func `windows longer than what is kept in memory are whole`() throws {
    let model = try SampleModel.load()
    let text = String(repeating: Self.text, count: 6)
    let whole = try evaluate(
      model, on: text, windows: TextWindows(length: 4096, beginning: 0))
    let ids = try SampleModel.tokenizer().encode(text)
    #expect(whole.loss.count == ids.count && ids.count > 3 * 128)
    let predictions = try logProbabilities(model, [0] + ids.dropLast())
    let mean = zip(predictions, ids).reduce(0.0) { $0 - $1.0[$1.1] } / Double(ids.count)
    #expect(abs(whole.loss.mean - mean) < 1e-6)
  }

  @Test func `results do not depend on the number of threads`() throws {
    let model = try SampleModel.load()
    let reference = try SampleModel.load(SampleWeights(seed: 1))
    let one = try evaluate(model, against: reference)
    for threads in [2, 3] {
      let several = try evaluate(model, against: reference, threads: threads)
      #expect(several.loss == one.loss)
      #expect(several.lossDifference == one.lossDifference)
      #expect(several.divergence?.values == one.divergence?.values)
    }
  }

  @Test func `a limit evaluates the first windows only`() throws {
    let model = try SampleModel.load()
    #expect(try evaluate(model, limit: 2).loss.count == 30)
    #expect(try evaluate(model, limit: 1000).loss == evaluate(model).loss)
  }

  @Test(arguments: [(nil, ""), (nil, "x"), (0, "")] as [(Int?, String)])
  func `a text without a token to predict is refused`(beginning: Int?, text: String) throws {
    let model = try SampleModel.load()
    #expect(throws: ModelError.nothingToEvaluate("the text has too few tokens")) {
      _ = try evaluate(model, on: text, windows: TextWindows(length: 8, beginning: beginning))
    }
  }

  @Test func `models that do not go together are not compared`() throws {
    let model = try SampleModel.load()
    var language = SampleModel.language
    language.vocabularySize = 272
    let larger = try Model(
      SampleWeights(), ModelDescription(profile: "mamba1-hf", language: language),
      tokenizer: SampleModel.tokenizer(), context: ExecutionContext())
    #expect(
      throws: ModelError.contradiction("the two models have vocabularies of different size")
    ) { _ = try evaluate(model, against: larger) }

    let definition = try JSON(parsing: Array(SampleTokenizer.definition().utf8))
      .replacing("model/vocab/a", with: .integer(99)).replacing("model/vocab/b", with: .integer(98))
    let other = try Model(
      SampleWeights(), model.description,
      tokenizer: Tokenizer(parsing: Array(definition.canonicalText.utf8), file: "other"),
      context: ExecutionContext())
    #expect(
      throws: ModelError.contradiction("the two models split the text into different tokens")
    ) { _ = try evaluate(model, against: other) }
  }

  @Test func `predictions that are no numbers are refused`() throws {
    let model = try SampleModel.load()
    let broken = try SampleModel.load(
      SampleWeights(constants: ["language.normalization.weight": { _ in .nan }]))
    #expect(throws: ModelError.nonFinitePredictions("the model")) { _ = try evaluate(broken) }
    #expect(throws: ModelError.nonFinitePredictions("the reference model")) {
      _ = try evaluate(model, against: broken)
    }
  }

  @Test func `a model without tokenizer or language cannot read a text`() throws {
    let model = try SampleModel.load()
    let silent = try Model(
      SampleWeights(), model.description, tokenizer: nil, context: ExecutionContext())
    #expect(throws: ModelError.missingPart("tokenizer", needed: "a text")) {
      _ = try evaluate(silent)
    }
    let blind = try Model(
      SampleWeights(), ModelDescription(profile: "siglip-vit", vision: [SampleModel.vision]),
      tokenizer: SampleModel.tokenizer(), context: ExecutionContext())
    #expect(throws: ModelError.missingPart("language model", needed: "a text")) {
      _ = try evaluate(blind)
    }
  }
}
