import Format
import Foundation
import Testing

/// `evaluate` on texts and questions.
@Suite struct EvaluateTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try workplace.write(SampleText.english, to: "sample.txt")
  }

  private func makePack(_ preset: String = "q8") throws {
    try Program.run("model", "-o", "out.vlmp", "--quantize", preset, in: workplace).expectSuccess()
  }

  @Test func `a text gives a perplexity`() throws {
    try workplace.makeTextModel()
    let outcome = try Program.run("evaluate", "model", "--text", "sample.txt", in: workplace)
    outcome.expectSuccess()
    #expect(outcome.output.contains("windows of 1024 positions"))
    #expect(outcome.output.contains("perplexity"))
  }

  @Test func `the original against itself differs in nothing`() throws {
    try workplace.makeTextModel()
    let outcome = try Program.run(
      "evaluate", "model", "--against", "model", "--text", "sample.txt", "--json", in: workplace)
    outcome.expectSuccess()
    let report = try JSON(parsing: Array(outcome.output.utf8))
    #expect(report["perplexity_ratio"]?.doubleValue == 1)
    #expect(report["kl_mean"]?.doubleValue == 0)
    #expect(report["top1_agreement"]?.doubleValue == 1)
    #expect(report["against"]?["perplexity"] == report["perplexity"])
  }

  @Test func `a pack against the original has every documented figure`() throws {
    try workplace.makeVisionLanguageModel()
    try makePack()
    try workplace.writeQuestions()
    let outcome = try Program.run(
      "evaluate", "out.vlmp", "--against", "model", "--text", "sample.txt", "--questions",
      "questions.jsonl", "--json", in: workplace)
    outcome.expectSuccess()
    let report = try JSON(parsing: Array(outcome.output.utf8))
    for name in [
      "tokens", "perplexity", "nats_per_token", "questions", "accuracy", "perplexity_ratio",
      "kl_mean", "kl_p99", "top1_agreement", "answer_agreement", "seconds",
    ] {
      #expect(report[name]?.doubleValue != nil, "\(name)")
    }
    #expect(report["against"]?["perplexity"]?.doubleValue != nil)
    #expect(report["against"]?["accuracy"]?.doubleValue != nil)
    #expect(report["tokens"]?.intValue == SampleText.english.utf8.count)
    #expect(report["questions"]?.intValue == 2)
  }

  @Test func `activations of quantized weights are bytes unless floats are asked for`() throws {
    try workplace.makeTextModel()
    try makePack()
    func evaluate(_ options: String) throws -> JSON {
      let outcome = try Program.shell(
        "exec \"$PROGRAM\" evaluate out.vlmp --text sample.txt --json \(options)", in: workplace)
      outcome.expectSuccess()
      return try JSON(parsing: Array(outcome.output.utf8))
    }
    let bytes = try evaluate("")
    let floats = try evaluate("--activations float")
    let reference = try evaluate("--engine reference --activations int8")
    let reports = [bytes, floats, reference]
    #expect(reports.map { $0["activations"]?.stringValue } == ["int8", "float", "float"])
    #expect(reports.map { $0["engine"]?.stringValue } == ["fast", "fast", "reference"])
    #expect(reports.allSatisfy { $0["state"] == .string("fp32") })
    let nats = try reports.map { try #require($0["nats_per_token"]?.doubleValue) }
    // Single precision in another order.
    #expect(abs(nats[1] - nats[2]) <= 1e-5 * nats[2])
    #expect(nats[0] != nats[1])
    #expect(abs(nats[0] - nats[1]) <= 1e-2 * nats[1])
  }

  @Test func `a tier may be kept as q4 in memory, other packs may not`() throws {
    try workplace.makeTextModel()
    try makePack("e5")
    func evaluate(_ options: String) throws -> JSON {
      let outcome = try Program.shell(
        "exec \"$PROGRAM\" evaluate out.vlmp --against model --text sample.txt --json \(options)",
        in: workplace)
      outcome.expectSuccess()
      return try JSON(parsing: Array(outcome.output.utf8))
    }
    let stored = try evaluate("")
    let rounded = try evaluate("--resident q4")
    #expect([stored, rounded].map { $0["resident"]?.stringValue } == ["int8", "q4"])
    let divergences = try [stored, rounded].map { try #require($0["kl_mean"]?.doubleValue) }
    #expect(divergences[1] > divergences[0], "a second rounding loses something")
    try Program.run("-o", "other.vlmp", "model", "--quantize", "q8", in: workplace).expectSuccess()
    for model in ["other.vlmp", "model"] {
      try Program.run(
        "evaluate", model, "--text", "sample.txt", "--resident", "q4", in: workplace
      ).expectFailure(64, "\(model) has no matrix of one")
    }
  }

  @Test func `figures for people stand side by side`() throws {
    try workplace.makeVisionLanguageModel()
    try makePack()
    try workplace.writeQuestions()
    let outcome = try Program.run(
      "evaluate", "out.vlmp", "--against", "model", "--text", "sample.txt", "--questions",
      "questions.jsonl", in: workplace)
    outcome.expectSuccess()
    for text in ["perplexity ratio", "KL divergence, mean", "same answer", "shape (1)"] {
      #expect(outcome.output.contains(text), "\(outcome.output)")
    }
  }

  @Test func `only so many questions are asked`() throws {
    try workplace.makeVisionLanguageModel()
    try workplace.writeQuestions()
    let outcome = try Program.run(
      "evaluate", "model", "--questions", "questions.jsonl", "--limit", "1", "--json",
      in: workplace)
    outcome.expectSuccess()
    #expect(try JSON(parsing: Array(outcome.output.utf8))["questions"]?.intValue == 1)
  }

  @Test func `figures do not depend on the number of threads`() throws {
    try workplace.makeTextModel()
    let reports = try ["1", "2"].map { threads in
      let outcome = try Program.run(
        "evaluate", "model", "--text", "sample.txt", "--window", "16", "--threads", threads,
        "--json", in: workplace)
      outcome.expectSuccess()
      return try JSON(parsing: Array(outcome.output.utf8))["perplexity"]
    }
    #expect(reports[0] == reports[1])
  }

  @Test func `a requirement that is met leaves exit code 0, a missed one 76`() throws {
    try workplace.makeTextModel()
    let met = try Program.run(
      "evaluate", "model", "--text", "sample.txt", "--require", "perplexity<=1e9", in: workplace)
    met.expectSuccess()
    let missed = try Program.run(
      "evaluate", "model", "--text", "sample.txt", "--require", "perplexity<=1", in: workplace)
    #expect(missed.status == 76)
    #expect(missed.error.contains("does not meet perplexity<=1.0 (found "))
    #expect(missed.output.contains("perplexity"), "the figures are printed all the same")
  }

  @Test func `figures that are infinite are null in JSON and meet no requirement`() throws {
    try workplace.makeTextModel(headScale: 1e6)
    let outcome = try Program.run(
      "evaluate", "model", "--text", "sample.txt", "--require", "perplexity<=1e300", "--json",
      in: workplace)
    #expect(outcome.status == 76, "\(outcome.error)")
    let report = try JSON(parsing: Array(outcome.output.utf8))
    #expect(report["perplexity"] == .null)
    #expect(report["nats_per_token"]?.doubleValue != nil)
  }

  @Test func `a model that predicts no numbers is refused`() throws {
    try workplace.makeTextModel(as: "original")
    try workplace.makeTextModel(headScale: 1e38)
    for requirement in ["perplexity<=1e300", "kl<=1e300", "kl_p99<=1e300"] {
      let outcome = try Program.run(
        "evaluate", "model", "--against", "original", "--text", "sample.txt", "--require",
        requirement, in: workplace)
      #expect(outcome.status == 65, "\(requirement): \(outcome.output)")
    }
  }

  @Test func `a requirement that was not measured`() throws {
    try workplace.makeTextModel()
    let outcome = try Program.run(
      "evaluate", "model", "--text", "sample.txt", "--require", "kl<=1", in: workplace)
    #expect(outcome.status == 64)
    #expect(outcome.error.contains("“kl” is required but was not measured"))
  }

  @Test func `a model without tokenizer`() throws {
    try workplace.copyModel("mamba1-hf")
    try Program.run("evaluate", "model", "--text", "sample.txt", in: workplace)
      .expectFailure(64, "the model has no tokenizer, which a text needs")
  }

  @Test func `questions about images for a language model`() throws {
    try workplace.makeTextModel()
    try workplace.writeQuestions()
    try Program.run("evaluate", "model", "--questions", "questions.jsonl", in: workplace)
      .expectFailure(64, "the model has no vision encoder")
  }

  @Test(arguments: [
    ("{\"image\": \"a.png\"}\n", 65, "questions.jsonl, line 1: expected the texts"),
    ("\n{nonsense\n", 65, "questions.jsonl, line 2: expected a JSON object"),
    (
      "{\"image\": \"none.png\", \"question\": \"?\", \"answer\": \"!\"}\n", 66,
      "image file ./none.png does not exist"
    ),
    ("", 65, "nothing to evaluate"),
  ])
  func `a bad question file`(text: String, status: Int32, message: String) throws {
    try workplace.makeVisionLanguageModel()
    try workplace.write(text, to: "questions.jsonl")
    try Program.run("evaluate", "model", "--questions", "questions.jsonl", in: workplace)
      .expectFailure(status, message)
  }

  @Test func `an image that cannot be read`() throws {
    try workplace.makeVisionLanguageModel()
    try workplace.writeQuestions()
    try workplace.write("no image", to: "picture.png")
    try Program.run("evaluate", "model", "--questions", "questions.jsonl", in: workplace)
      .expectFailure(65, "./picture.png is neither a PNG nor a JPEG file")
  }

  @Test func `a text that is not UTF-8`() throws {
    try workplace.makeTextModel()
    try workplace.write([0x61, 0xFF], to: "sample.txt")
    try Program.run("evaluate", "model", "--text", "sample.txt", in: workplace)
      .expectFailure(65, "sample.txt: text is bytes that are not well-formed, expected UTF-8")
  }

  @Test func `a text that is empty`() throws {
    try workplace.makeTextModel()
    try workplace.write("", to: "sample.txt")
    try Program.run("evaluate", "model", "--text", "sample.txt", in: workplace)
      .expectFailure(65, "nothing to evaluate: the text has too few tokens")
  }
}
