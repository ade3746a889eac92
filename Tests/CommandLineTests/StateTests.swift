import Format
import Foundation
import Testing

/// `generate` with files that keep what a model remembers.
@Suite struct StateTests {
  private let workplace: Workplace

  init() throws { workplace = try Workplace() }

  private func generate(_ options: String...) throws -> Program.Outcome {
    let line = ["exec \"$PROGRAM\" generate"] + options
    return try Program.shell(line.joined(separator: " "), in: workplace)
  }

  private func ids(_ options: String) throws -> JSON? {
    let outcome = try generate(options, "--max-tokens 12 --json")
    outcome.expectSuccess()
    return try JSON(parsing: Array(outcome.output.utf8))["ids"]
  }

  @Test(arguments: ["model", "out.vlmp"])
  func `text goes on after one file or several`(model: String) throws {
    try workplace.makeTextModel()
    try Program.run("model", "-o", "out.vlmp", "--quantize", "q8", in: workplace).expectSuccess()
    let whole = try ids("\(model) --prompt 'Hello, world of states'")
    #expect(try ids("\(model) --prompt Hello --save-state a.vlms") != whole)
    #expect(
      try ids("\(model) --load-state a.vlms --prompt ', world' --save-state b.vlms") != whole)
    #expect(
      try ids("\(model) --load-state b.vlms --prompt ' of states' --save-state c.vlms") == whole)
    #expect(try ids("\(model) --load-state c.vlms") == whole)
    #expect(try ids("\(model) --load-state c.vlms --prompt ''") == whole)
  }

  @Test func `an image is read once for many questions`() throws {
    try workplace.makeVisionLanguageModel()
    let image = "--image '\(Fixtures.image("rgb.png"))'"
    try generate("model --prompt '' --raw --max-tokens 0 --save-state seen.vlms", image)
      .expectSuccess()
    for question in ["What?", "Where is it?"] {
      let form = "\"$(printf '\\nQuestion: \(question)\\nAnswer:')\""
      #expect(
        try ids("model --load-state seen.vlms --prompt \(form)")
          == ids("model --prompt '\(question)' \(image)"))
    }
  }

  @Test func `an image may follow a state`() throws {
    try workplace.makeVisionLanguageModel()
    let image = "--image '\(Fixtures.image("rgb.png"))'"
    try generate("model --prompt 'See ' --raw --save-state a.vlms").expectSuccess()
    #expect(
      try ids("model --load-state a.vlms \(image) --prompt ' now'")
        == ids("model --prompt 'See <image> now' --raw \(image)"))
  }

  @Test func `the file is the same with any number of threads`() throws {
    try workplace.makeTextModel()
    for threads in 1...2 {
      try generate("model --prompt Hello --threads \(threads) --save-state \(threads).vlms")
        .expectSuccess()
    }
    #expect(try workplace.bytes("1.vlms") == workplace.bytes("2.vlms"))
  }

  @Test func `a file is replaced only on request`() throws {
    try workplace.makeTextModel()
    try generate("model --prompt Hello --save-state a.vlms").expectSuccess()
    let first = try workplace.bytes("a.vlms")
    try generate("model --load-state a.vlms --prompt x --save-state a.vlms")
      .expectFailure(73, "a.vlms exists already; --force replaces it")
    #expect(try workplace.bytes("a.vlms") == first)
    try generate("model --load-state a.vlms --prompt x --save-state a.vlms --force")
      .expectSuccess()
    #expect(try workplace.bytes("a.vlms") != first)
    #expect(try workplace.names == ["a.vlms", "model"])
  }

  @Test func `a file in no directory`() throws {
    try workplace.makeTextModel()
    try generate("model --prompt Hello --save-state none/a.vlms")
      .expectFailure(73, "cannot create none/a.vlms")
  }

  @Test func `a state of another model`() throws {
    try workplace.makeTextModel()
    try Program.run("model", "-o", "out.vlmp", "--quantize", "q8", in: workplace).expectSuccess()
    try generate("model --prompt Hello --save-state a.vlms").expectSuccess()
    try generate("out.vlmp --load-state a.vlms")
      .expectFailure(65, "a.vlms is a state of the model ", "; expected the model ")
    // Weights of the same shapes, but other values.
    try workplace.makeTextModel(as: "other", headScale: 2)
    try generate("other --load-state a.vlms").expectFailure(65, "a.vlms is a state of the model ")
  }

  @Test func `a damaged file`() throws {
    try workplace.makeTextModel()
    try generate("model --prompt Hello --save-state a.vlms").expectSuccess()
    let bytes = try workplace.bytes("a.vlms")
    var changed = bytes
    changed[bytes.count / 2] ^= 1
    try workplace.write(changed, to: "changed.vlms")
    try generate("model --load-state changed.vlms").expectFailure(
      77, "changed.vlms: the state at byte 0 does not have its SHA-256 checksum",
      "the file is damaged")
    try workplace.write(Array(bytes.dropLast()), to: "cut.vlms")
    try generate("model --load-state cut.vlms").expectFailure(65, "cut.vlms: the file's size is ")
    try workplace.write(bytes + [0], to: "long.vlms")
    try generate("model --load-state long.vlms").expectFailure(65, "long.vlms: the file's size is ")
    try workplace.write("hello", to: "text.vlms")
    try generate("model --load-state text.vlms")
      .expectFailure(65, "text.vlms is not a state file")
    try generate("model --load-state none.vlms").expectFailure(66, "cannot open none.vlms")
    changed = bytes
    changed[8] = 2
    try workplace.write(changed, to: "new.vlms")
    try generate("model --load-state new.vlms")
      .expectFailure(65, "new.vlms: the version is 2.0, expected 1.0")
  }

  @Test(arguments: ["--chat", "--system brief"])
  func `a conversation does not follow a state`(option: String) throws {
    try generate("model --load-state a.vlms --prompt x \(option)")
      .expectFailure(64, "--load-state and --chat exclude each other")
  }
}
