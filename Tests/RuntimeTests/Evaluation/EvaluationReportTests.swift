import Format
import Foundation
import Quant
import Runtime
import TestSupport
import Testing

@Suite struct EvaluationReportTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private static let text = "What is measured here is written there."

  private func textReport(against: Bool, isWhole: Bool = true) throws -> EvaluationReport {
    let model = try SampleModel.load()
    let evaluation = try TextEvaluation(
      Self.text, model: model, against: against ? SampleModel.load(SampleWeights(seed: 1)) : nil,
      windows: TextWindows(length: 16, stride: 8, beginning: 0), threads: ThreadPool(threads: 1),
      progress: { _, _ in })
    var report = EvaluationReport()
    let source = try EvaluationReport.Source(path: directory.write(Self.text, as: "text"))
    report.add(evaluation, source: source, isWhole: isWhole)
    return report
  }

  private func addAnswers(to report: inout EvaluationReport, against: Bool) throws {
    try directory.copy(Fixtures.image("rgb.png"), as: "rgb.png")
    let line = #"{"image": "rgb.png", "question": "?", "answer": "x", "kind": "k"}"#
    let set = try QuestionSet(path: directory.write(line, as: "set"))
    let model = try SampleModel.loadVisionLanguage()
    let reference = try SampleModel.loadVisionLanguage(SampleWeights(seed: 1))
    let evaluation = try AnswerEvaluation(
      set, model: model, against: against ? reference : nil, threads: ThreadPool(threads: 1),
      progress: { _, _ in })
    report.add(evaluation, source: try .init(path: directory.file("set")))
  }

  private func members(_ json: JSON) -> [String] {
    (json.objectValue ?? [:]).keys.map(\.text).sorted()
  }

  @Test func `a report on a text has these members`() throws {
    let report = try textReport(against: false)
    let json = try JSON(encoding: report)
    #expect(
      members(json) == [
        "nats_per_byte", "nats_per_token", "nats_per_token_error", "perplexity", "text", "tokens",
        "windows",
      ])
    #expect(json["tokens"]?.intValue == Self.text.utf8.count)
    #expect(json["perplexity"]?.doubleValue == report.perplexity)
    let natsPerToken = try #require(json["nats_per_token"]?.doubleValue)
    #expect(abs(exp(natsPerToken) / (report.perplexity ?? 0) - 1) < 1e-12)
    // A token is a byte here.
    #expect(abs((json["nats_per_byte"]?.doubleValue ?? 0) / natsPerToken - 1) < 1e-12)
    #expect(json["windows"]?["length"]?.intValue == 16)
    #expect(json["windows"]?["stride"]?.intValue == 8)
    #expect(json["windows"]?["beginning"]?.intValue == 0)
    #expect(json["text"]?["bytes"]?.intValue == Self.text.utf8.count)
    #expect(json["text"]?["sha256"]?.stringValue == sha256(Array(Self.text.utf8)).hexText)
  }

  @Test func `a part of a text has no nats per byte`() throws {
    let report = try textReport(against: false, isWhole: false)
    #expect(report.natsPerByte == nil && report.natsPerToken != nil)
  }

  @Test func `a comparison on a text adds these members`() throws {
    let json = try JSON(encoding: textReport(against: true))
    let alone = try JSON(encoding: textReport(against: false))
    #expect(
      members(json).filter { alone[$0] == nil } == [
        "against", "kl_mean", "kl_mean_error", "kl_p99", "perplexity_ratio",
        "perplexity_ratio_error", "top1_agreement", "top1_agreement_error",
      ])
    #expect(members(try #require(json["against"])) == ["perplexity"])
    let ratio = try #require(json["perplexity_ratio"]?.doubleValue)
    let perplexity = try #require(json["perplexity"]?.doubleValue)
    let reference = try #require(json["against"]?["perplexity"]?.doubleValue)
    #expect(abs(ratio / (perplexity / reference) - 1) < 1e-9)
  }

  @Test func `a report on questions has these members`() throws {
    var report = EvaluationReport()
    try addAnswers(to: &report, against: true)
    let json = try JSON(encoding: report)
    #expect(
      members(json) == [
        "accuracy", "accuracy_error", "against", "answer_agreement", "answer_agreement_error",
        "answers", "kinds", "kl_mean", "kl_mean_error", "kl_p99", "question_set", "questions",
        "top1_agreement", "top1_agreement_error",
      ])
    #expect(json["questions"]?.intValue == 1)
    #expect(json["against"]?["accuracy"]?.doubleValue == 0)
    #expect(json["kinds"]?["k"]?["questions"]?.intValue == 1)
    #expect(
      members(try #require(json["answers"])) == [
        "kl_mean", "kl_mean_error", "kl_p99", "positions", "top1_agreement",
        "top1_agreement_error",
      ])
    #expect(json["answers"]?["kl_mean"] == json["kl_mean"])
  }

  @Test func `divergence on a text is the one in front`() throws {
    var report = try textReport(against: true)
    let before = report.klMean
    try addAnswers(to: &report, against: true)
    #expect(report.klMean == before)
    #expect(report.answers?.klMean != before)
    #expect(report.against?.perplexity != nil && report.against?.accuracy != nil)
  }

  @Test func `a report survives being written and read`() throws {
    var report = try textReport(against: true)
    try addAnswers(to: &report, against: true)
    #expect(try JSON(encoding: report).decode(as: EvaluationReport.self) == report)
  }

  @Test func `an empty report has no members`() throws {
    #expect(members(try JSON(encoding: EvaluationReport())).isEmpty)
  }
}
