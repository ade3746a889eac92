import Format
import Foundation
import Testing

/// `--learn-scales` from the command line.
@Suite struct ScaleLearningTests {
  /// A model whose predictions depend on what it reads, and a text with enough windows.
  private static func workplace() throws -> Workplace {
    let workplace = try Workplace()
    try workplace.makeTextModel(headScale: 8)
    try workplace.write(
      String(repeating: SampleText.english, count: 60), to: "text.txt")
    return workplace
  }

  private static func learn(
    _ workplace: Workplace, _ quantize: String, threads: Int = 1
  ) throws -> Program.Outcome {
    try Program.run(
      "model", "-o", "\(quantize)-\(threads).vlmp", "--quantize", quantize, "--calibrate",
      "text.txt", "--calibration-tokens", "2048", "--learn-scales", "--learning-steps", "40",
      "--threads", "\(threads)", "--json", in: workplace)
  }

  @Test(arguments: ["e4", "q4", "q5g32"])
  func `what is learned lowers the divergence on held-out text, with any number of threads`(
    quantize: String
  ) throws {
    let workplace = try Self.workplace()
    let outcome = try Self.learn(workplace, quantize)
    outcome.expectSuccess()
    try Self.learn(workplace, quantize, threads: 2).expectSuccess()
    #expect(
      try workplace.bytes("\(quantize)-1.vlmp") == workplace.bytes("\(quantize)-2.vlmp"))
    let pack = try PackReader(path: workplace.path("\(quantize)-1.vlmp"))
    let record = try #require(pack.header.provenance["learning"])
    let (before, after) = (
      try #require(record["divergenceBefore"]?.doubleValue),
      try #require(record["divergenceAfter"]?.doubleValue)
    )
    #expect(after < before)
    #expect(record["isKept"] == .bool(true))
    #expect(record["steps"] == .integer(40))
    #expect(try JSON(parsing: Array(outcome.output.utf8))["learning"] == record)
  }

  @Test func `learning needs a text to calibrate on`() throws {
    let workplace = try Self.workplace()
    try Program.run("model", "-o", "out.vlmp", "--learn-scales", in: workplace)
      .expectFailure(64, "--learn-scales needs --calibrate")
    try Program.run("model", "-o", "out.vlmp", "--learning-steps", "3", in: workplace)
      .expectFailure(64, "--learning-steps needs --learn-scales")
    try workplace.write("a", to: "short.txt")
    try Program.run(
      "model", "-o", "out.vlmp", "--calibrate", "short.txt", "--learn-scales", in: workplace
    ).expectFailure(65, "0 windows")
    #expect(!workplace.exists("out.vlmp"))
  }

  @Test func `recipes without scales are refused`() throws {
    let workplace = try Self.workplace()
    try Program.run(
      "model", "-o", "out.vlmp", "--quantize", "f16", "--calibrate", "text.txt", "--learn-scales",
      in: workplace
    ).expectFailure(64, "no matrix of the language model scales")
  }

  @Test(arguments: [
    ("mamba2-hf", "layers of the kind mamba2"), ("falcon-mamba", "normalizes time step, B and C"),
  ])
  func `models of other kinds are refused`(fixture: String, reason: String) throws {
    let workplace = try Self.workplace()
    try workplace.copyModel(fixture, as: "other")
    try Program.run(
      "other", "-o", "out.vlmp", "--calibrate", "text.txt", "--learn-scales", in: workplace
    ).expectFailure(65, reason)
    #expect(!workplace.exists("out.vlmp"))
  }
}
