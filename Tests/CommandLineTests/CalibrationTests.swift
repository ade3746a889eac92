import Format
import Foundation
import Testing

/// `convert --calibrate`.
@Suite struct CalibrationTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try workplace.write(SampleText.varied, to: "sample.txt")
  }

  private func divergence(of pack: String) throws -> Double {
    let outcome = try Program.run(
      "evaluate", pack, "--against", "model", "--text", "sample.txt", "--activations", "float",
      "--json", in: workplace)
    outcome.expectSuccess()
    return try #require(JSON(parsing: Array(outcome.output.utf8))["kl_mean"]?.doubleValue)
  }

  @Test(arguments: ["q4", "e3"])
  func `a calibrated pack is nearer to the original on its text`(preset: String) throws {
    try workplace.makeTextModel()
    // What is not calibrated would hide what is.
    try workplace.write(
      "rules:\n  - {role: embedding, encoding: f32}\n  - {role: head, encoding: f32}\n",
      to: "recipe.yaml")
    try Program.run(
      "model", "-o", "plain.vlmp", "--recipe", "recipe.yaml", "--quantize", preset, in: workplace
    ).expectSuccess()
    try Program.run(
      "model", "-o", "calibrated.vlmp", "--recipe", "recipe.yaml", "--quantize", preset,
      "--calibrate", "sample.txt", in: workplace
    ).expectSuccess()
    let plain = try divergence(of: "plain.vlmp")
    let calibrated = try divergence(of: "calibrated.vlmp")
    #expect(calibrated < plain, "\(calibrated) against \(plain)")
  }

  @Test func `the bytes do not depend on the number of threads`() throws {
    try workplace.makeVisionLanguageModel()
    try workplace.writeQuestions()
    for threads in ["1", "2"] {
      try Program.run(
        "model", "-o", "\(threads).vlmp", "--threads", threads, "--calibrate",
        "sample.txt,questions.jsonl", in: workplace
      ).expectSuccess()
    }
    #expect(try workplace.bytes("1.vlmp") == workplace.bytes("2.vlmp"))
  }

  @Test(arguments: ["q4", "q8", "e4"])
  func `the matrices of a language model, and no others, have a record`(preset: String) throws {
    try workplace.makeVisionLanguageModel()
    try workplace.writeQuestions()
    try Program.run(
      "model", "-o", "out.vlmp", "--quantize", preset, "--calibrate",
      "sample.txt,questions.jsonl", "--strict", in: workplace
    ).expectSuccess()
    try Program.run("verify", "out.vlmp", in: workplace).expectSuccess()
    let records = try workplace.calibration(of: "out.vlmp")
    #expect(records.keys.contains("language.layers.0.mixer.inputProjection.weight"))
    #expect(records.keys.allSatisfy { $0.hasPrefix("language.") })
    for (name, record) in records {
      #expect((record["tokens"]?.intValue ?? 0) > 1000, "\(name)")
      #expect(["feedback", "importance"].contains(record["method"]?.stringValue), "\(name)")
      if record["method"]?.stringValue == "feedback" {
        #expect((record["outputSNR"]?.doubleValue ?? 0) > 5, "\(name): \(record)")
      }
    }
  }

  @Test func `a Mamba-2 model is calibrated down to the projections behind its gated norms`() throws
  {
    try workplace.makeMambaTwoTextModel()
    try Program.run(
      "model", "-o", "out.vlmp", "--quantize", "q8", "--calibrate", "sample.txt", "--strict",
      in: workplace
    ).expectSuccess()
    let records = try workplace.calibration(of: "out.vlmp")
    for layer in 0..<3 {
      for projection in ["inputProjection", "outputProjection"] {
        let name = "language.layers.\(layer).mixer.\(projection).weight"
        let record = try #require(records[name], "\(name) among \(records.keys.sorted())")
        #expect(record["method"] == .string("feedback"))
        #expect((record["outputSNR"]?.doubleValue ?? 0) > 20, "\(name): \(record)")
      }
    }
  }

  @Test func `inspect shows the record`() throws {
    try workplace.makeTextModel()
    try Program.run("model", "-o", "out.vlmp", "--calibrate", "sample.txt", in: workplace)
      .expectSuccess()
    let outcome = try Program.run("inspect", "out.vlmp", "--tensors", "--json", in: workplace)
    outcome.expectSuccess()
    let tensors = try JSON(parsing: Array(outcome.output.utf8))["tensors"]?.arrayValue ?? []
    let shown = tensors.compactMap { tensor in
      tensor["calibration"].map { (tensor["name"]?.stringValue ?? "", $0) }
    }
    let stored = try workplace.calibration(of: "out.vlmp")
    #expect(!stored.isEmpty)
    #expect(Dictionary(shown, uniquingKeysWith: { first, _ in first }) == stored)
  }

  /// A norm of zeros leaves nothing of the inputs of the projection behind it.
  private func makeModelWithDeadInputs() throws {
    try workplace.makeTextModel()
    var file = try TensorFile(reading: workplace.url("model/model.safetensors"))
    file.set(.pattern("backbone.layers.1.norm.weight", shape: [24], scale: 0))
    try workplace.write(file.encoded, to: "model/model.safetensors")
  }

  @Test func `a matrix without inputs is rounded as usual, and the pack says so`() throws {
    try makeModelWithDeadInputs()
    try Program.run("model", "-o", "out.vlmp", "--calibrate", "sample.txt", in: workplace)
      .expectSuccess()
    let records = try workplace.calibration(of: "out.vlmp")
    let record = try #require(records["language.layers.1.mixer.inputProjection.weight"])
    #expect(record["method"] == .string("plain"))
    #expect(record["fallback"]?.stringValue?.contains("no Cholesky factor") == true)
  }

  @Test func `a matrix without inputs is an error if calibration is strict`() throws {
    try makeModelWithDeadInputs()
    try Program.run(
      "model", "-o", "out.vlmp", "--calibrate", "sample.txt", "--strict", in: workplace
    ).expectFailure(
      65, "tensor “language.layers.1.mixer.inputProjection.weight” cannot be calibrated")
    #expect(try workplace.names == ["model", "sample.txt"])
  }

  @Test func `a text that is empty`() throws {
    try workplace.makeTextModel()
    try workplace.write("", to: "empty.txt")
    try Program.run("model", "-o", "out.vlmp", "--calibrate", "sample.txt,empty.txt", in: workplace)
      .expectFailure(65, "empty.txt has nothing to calibrate on")
    #expect(try workplace.names == ["empty.txt", "model", "sample.txt"])
  }

  @Test func `questions that are empty`() throws {
    try workplace.makeVisionLanguageModel()
    try workplace.write("\n", to: "empty.jsonl")
    try Program.run("model", "-o", "out.vlmp", "--calibrate", "empty.jsonl", in: workplace)
      .expectFailure(65, "empty.jsonl")
  }

  @Test func `a text that does not exist`() throws {
    try workplace.makeTextModel()
    try Program.run("model", "-o", "out.vlmp", "--calibrate", "sample.txt,none.txt", in: workplace)
      .expectFailure(66, "cannot open none.txt")
    #expect(try workplace.names == ["model", "sample.txt"])
  }

  @Test func `a text that is not UTF-8`() throws {
    try workplace.makeTextModel()
    try workplace.write([0x61, 0xC3, 0x28], to: "sample.txt")
    try Program.run("model", "-o", "out.vlmp", "--calibrate", "sample.txt", in: workplace)
      .expectFailure(65, "sample.txt: text is bytes that are not well-formed, expected UTF-8")
    #expect(try workplace.names == ["model", "sample.txt"])
  }

  @Test(arguments: [
    "a", "\u{0}\u{0}\u{0}", "\u{FEFF}text", "<|endoftext|><|endoftext|>",
    String(repeating: "\u{10FFFF}", count: 300), String(repeating: "a", count: 5000),
  ])
  func `a strange text is calibrated on`(text: String) throws {
    try workplace.makeTextModel()
    try workplace.write(text, to: "sample.txt")
    try Program.run("model", "-o", "out.vlmp", "--calibrate", "sample.txt", in: workplace)
      .expectSuccess()
    try Program.run("verify", "out.vlmp", in: workplace).expectSuccess()
  }

  @Test(arguments: ["0", "-1", "1073741825", "many"])
  func `a number of tokens that is none`(tokens: String) throws {
    try workplace.makeTextModel()
    let outcome = try Program.run(
      "model", "-o", "out.vlmp", "--calibrate", "sample.txt", "--calibration-tokens=\(tokens)",
      in: workplace)
    #expect(outcome.status == 64)
    #expect(outcome.error.contains("calibration-tokens"), "\(outcome.error)")
  }

  @Test(arguments: [("1", 512), ("512", 512), ("1024", 1024), ("1073741824", 3000)])
  func `only so many tokens are read`(tokens: String, expected: Int) throws {
    try workplace.makeTextModel()
    try Program.run(
      "model", "-o", "out.vlmp", "--calibrate", "sample.txt", "--calibration-tokens", tokens,
      in: workplace
    ).expectSuccess()
    let record = try #require(try workplace.calibration(of: "out.vlmp").values.first)
    let seen = try #require(record["tokens"]?.intValue)
    // All of the text, apart from the rest of a window.
    #expect(expected == 3000 ? seen > 1024 : seen == expected, "\(seen)")
  }

  @Test func `options that need others`() throws {
    try workplace.makeTextModel()
    for (option, message) in [
      ("--strict", "--strict needs --calibrate or --statistics."),
      ("--calibration-tokens=5", "--calibration-tokens needs --calibrate."),
      ("--calibrate=,", "--calibrate takes the names of files."),
    ] {
      let outcome = try Program.run("model", "-o", "out.vlmp", option, in: workplace)
      #expect(outcome.status == 64)
      #expect(outcome.error.contains(message), "\(outcome.error)")
    }
  }

  @Test func `a model without tokenizer`() throws {
    try workplace.copyModel("mamba1-hf")
    try Program.run("model", "-o", "out.vlmp", "--calibrate", "sample.txt", in: workplace)
      .expectFailure(64, "the model has no tokenizer, which --calibrate needs")
  }

  @Test func `questions about images for a language model`() throws {
    try workplace.makeTextModel()
    try workplace.writeQuestions()
    try Program.run("model", "-o", "out.vlmp", "--calibrate", "questions.jsonl", in: workplace)
      .expectFailure(64, "the model has no vision encoder")
  }

  @Test func `a vision encoder alone`() throws {
    try workplace.copyModel("siglip")
    try Program.run("model", "-o", "out.vlmp", "--calibrate", "sample.txt", in: workplace)
      .expectFailure(64, "the model has no language model, which --calibrate needs")
    #expect(try workplace.names == ["model", "sample.txt"])
  }
}
