import Format
import Foundation
import Testing

/// `generate` from text and images.
@Suite struct GenerateTests {
  private let workplace: Workplace

  init() throws { workplace = try Workplace() }

  private func generate(_ options: String...) throws -> Program.Outcome {
    let line = ["exec \"$PROGRAM\" generate"] + options
    return try Program.shell(line.joined(separator: " "), in: workplace)
  }

  @Test func `text is the same from checkpoint and exact pack, with any number of threads`() throws
  {
    try workplace.makeTextModel()
    try Program.run("model", "-o", "out.vlmp", "--quantize", "f32", in: workplace).expectSuccess()
    let outcomes = [
      try generate("model --prompt Hello --max-tokens 12 --threads 1"),
      try generate("model --prompt Hello --max-tokens 12 --threads 2"),
      try generate("out.vlmp --prompt Hello --max-tokens 12"),
    ]
    for outcome in outcomes {
      outcome.expectSuccess()
      #expect(outcome.output == outcomes[0].output)
      #expect(outcome.output.hasSuffix("\n"))
    }
  }

  @Test func `as JSON text, ids and counts agree`() throws {
    try workplace.makeTextModel()
    let outcome = try generate("model --prompt Hello --max-tokens 9 --temperature 1 --json")
    outcome.expectSuccess()
    let document = try JSON(parsing: Array(outcome.output.utf8))
    let ids = try #require(document["ids"]?.arrayValue)
    #expect(document["tokens"]?.intValue == ids.count)
    #expect(document["prompt_tokens"]?.intValue == 5)
    #expect(document["text"]?.stringValue != nil)
    #expect(ids.count <= 9)
  }

  @Test func `the same seed gives the same text, another one another`() throws {
    try workplace.makeTextModel()
    let texts = try ["1", "1", "2"].map { seed in
      let outcome = try generate(
        "model --prompt Hello --max-tokens 16 --temperature 1.5 --seed \(seed) --json")
      outcome.expectSuccess()
      return try JSON(parsing: Array(outcome.output.utf8))["ids"]
    }
    #expect(texts[0] == texts[1])
    #expect(texts[0] != texts[2])
  }

  @Test func `no tokens at all`() throws {
    try workplace.makeTextModel()
    let outcome = try generate("model --prompt Hello --max-tokens 0")
    outcome.expectSuccess()
    #expect(outcome.output == "\n")
  }

  @Test(arguments: ["rgb.png", "progressive.jpg"])
  func `an image comes before the question`(image: String) throws {
    try workplace.makeVisionLanguageModel()
    let outcome = try generate(
      "model --prompt What? --image '\(Fixtures.image(image))' --max-tokens 4 --json")
    outcome.expectSuccess()
    let document = try JSON(parsing: Array(outcome.output.utf8))
    // 9 patches and the text “\nQuestion: What?\nAnswer:”, byte by byte.
    #expect(document["prompt_tokens"]?.intValue == 9 + 24)
  }

  @Test func `a raw prompt says itself where the image goes`() throws {
    try workplace.makeVisionLanguageModel()
    let outcome = try generate(
      "model --prompt 'See <image> now' --raw --image '\(Fixtures.image("rgb.png"))'",
      "--max-tokens 4 --json")
    outcome.expectSuccess()
    let document = try JSON(parsing: Array(outcome.output.utf8))
    #expect(document["prompt_tokens"]?.intValue == 4 + 9 + 4)
  }

  @Test func `an image for a language model`() throws {
    try workplace.makeTextModel()
    try generate("model --prompt Hello --image '\(Fixtures.image("rgb.png"))'")
      .expectFailure(64, "the model has no ", "an image")
  }

  @Test func `an image for a model without preprocessor configuration`() throws {
    try workplace.makeVisionLanguageModel()
    try workplace.remove("model/preprocessor_config.json")
    try generate("model --prompt Hello --image '\(Fixtures.image("rgb.png"))'")
      .expectFailure(64, "the model has no preprocessor configuration")
  }

  @Test(arguments: [
    ("none.png", 66, "image file none.png does not exist or cannot be read"),
    ("text.png", 65, "text.png is neither a PNG nor a JPEG file"),
    ("cut.png", 65, "cut.png is no intact image"),
  ])
  func `an image that cannot be read`(name: String, status: Int32, message: String) throws {
    try workplace.makeVisionLanguageModel()
    try workplace.write("hello", to: "text.png")
    let image = try Data(contentsOf: URL(fileURLWithPath: Fixtures.image("rgb.png")))
    try workplace.write(Array(image.prefix(image.count / 2)), to: "cut.png")
    try generate("model --prompt Hello --image \(name)").expectFailure(status, message)
  }

  @Test func `a model without tokenizer`() throws {
    try workplace.copyModel("mamba1-hf")
    try generate("model --prompt Hello")
      .expectFailure(64, "the model has no tokenizer, which a prompt needs")
  }

  @Test func `a vision encoder that stands alone`() throws {
    try workplace.copyModel("siglip")
    try generate("model --prompt Hello").expectFailure(64, "the model has no ", "a prompt")
  }
}
