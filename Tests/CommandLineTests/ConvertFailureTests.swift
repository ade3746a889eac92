import Foundation
import Testing

/// Intact checkpoints, but something else that does not work out.
@Suite struct ConvertFailureTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
  }

  @Test(arguments: ["q17", "Q4", ""])
  func `an encoding that does not exist`(name: String) throws {
    try Program.run("model", "-o", "out.vlmp", "--quantize", name, in: workplace)
      .expectFailure(64, "unknown encoding “\(name)”", "known: q8, q4, e4, f16")
    #expect(try workplace.names == ["model"])
  }

  @Test(arguments: [
    (
      "rules:\n  - {role: head, encodin: q8}\n",
      "recipe bad.yaml: unknown member of a rule “encodin”; did you mean “encoding”?"
    ),
    ("rules:\n  - {role: head, encoding: q99}\n", "unknown encoding “q99”"),
    ("rules:\n  - {role: heads, encoding: q8}\n", "unknown role “heads”; did you mean “head”?"),
    ("rules:\n  - {role: head, encoding: [q8]}\n", "“rules.0.encoding” is not acceptable"),
    ("base: q4\nrules:\n  - {role: bias, encoding: q8}\n", "must stay a float"),
    (
      "rules:\n  - {role: head, encoding: q8}\n",
      "no rule for tensor “language.embedding.weight”; give --quantize, or “base: q4”"
    ),
    ("name: mine\n", "“rules” is missing"),
    ("- 1\n", "recipe bad.yaml: expected an object with “rules”"),
    ("rules: [", "recipe bad.yaml"),
  ])
  func `a bad recipe`(text: String, message: String) throws {
    try workplace.write(text, to: "bad.yaml")
    try Program.run("model", "-o", "out.vlmp", "--recipe", "bad.yaml", in: workplace)
      .expectFailure(64, message)
    #expect(try workplace.names == ["bad.yaml", "model"])
  }

  @Test func `a recipe that does not exist`() throws {
    try Program.run("model", "-o", "out.vlmp", "--recipe", "none.yaml", in: workplace)
      .expectFailure(66, "cannot open none.yaml: No such file or directory")
  }

  @Test func `an output in a directory that does not exist`() throws {
    try Program.run("model", "-o", "none/out.vlmp", in: workplace)
      .expectFailure(73, "cannot create none/out.vlmp: No such file or directory")
    #expect(try workplace.names == ["model"])
  }

  @Test func `an output that is a directory`() throws {
    try workplace.createDirectory("out.vlmp")
    try Program.run("model", "-o", "out.vlmp", "--force", in: workplace)
      .expectFailure(73, "cannot create out.vlmp: it is a directory")
    #expect(try workplace.names == ["model", "out.vlmp"])
  }

  @Test func `an output that grows beyond what the system allows`() throws {
    // Blocks of 512 bytes; the pack has about 20 kB.
    try Program.shell("ulimit -f 8; exec \"$PROGRAM\" model -o out.vlmp", in: workplace)
      .expectFailure(74, "writing out.vlmp failed: File too large")
    #expect(try workplace.names == ["model"])
  }

  @Test func `a result that cannot be printed`() throws {
    let outcome = try Program.shell("\"$PROGRAM\" inspect model > /dev/full", in: workplace)
    outcome.expectFailure(74, "writing to standard output failed: No space left on device")
  }

  @Test func `a pack in place of a checkpoint`() throws {
    try Program.run("model", "-o", "first.vlmp", in: workplace).expectSuccess()
    try Program.run("first.vlmp", "-o", "out.vlmp", in: workplace)
      .expectFailure(65, "first.vlmp: the model is a pack", "unpack")
    #expect(try workplace.names == ["first.vlmp", "model"])
  }

  @Test func `a requirement without anything to measure on`() throws {
    try Program.run("model", "-o", "out.vlmp", "--require", "kl<=0.02", in: workplace)
      .expectFailure(64, "--require needs --validate-text or --validate-questions")
    #expect(try workplace.names == ["model"])
  }

  @Test func `a requirement that is not measured`() throws {
    try workplace.makeTextModel(as: "text")
    try workplace.write(SampleText.english, to: "sample.txt")
    try Program.run(
      "text", "-o", "out.vlmp", "--validate-text", "sample.txt", "--require", "accuracy>=0.5",
      in: workplace
    ).expectFailure(64, "“accuracy” is required but was not measured")
    #expect(try workplace.names == ["model", "sample.txt", "text"])
  }

  @Test(arguments: [
    ("loss<=1", "there is no figure “loss”; known: accuracy, "),
    ("kl=1", "“kl=1” is no requirement; expected"),
    ("kl<=much", "“kl<=much” is no requirement; expected"),
  ])
  func `a requirement that cannot be read`(requirement: String, message: String) throws {
    try workplace.write(SampleText.english, to: "sample.txt")
    try Program.run(
      "model", "-o", "out.vlmp", "--validate-text", "sample.txt", "--require", requirement,
      in: workplace
    ).expectFailure(64, message)
  }

  @Test func `a model that misses a requirement is not published`() throws {
    try workplace.makeTextModel(as: "text")
    try workplace.write(SampleText.english, to: "sample.txt")
    try Program.run(
      "text", "-o", "out.vlmp", "--validate-text", "sample.txt", "--require",
      "perplexity_ratio<=0.5,kl<=100", in: workplace
    ).expectFailure(76, "the model does not meet perplexity_ratio<=0.5 (found ")
    #expect(try workplace.names == ["model", "sample.txt", "text"])
  }

  @Test func `a text to validate on for a model without tokenizer`() throws {
    try workplace.write(SampleText.english, to: "sample.txt")
    try Program.run("model", "-o", "out.vlmp", "--validate-text", "sample.txt", in: workplace)
      .expectFailure(64, "the model has no tokenizer, which --validate-text needs")
    #expect(try workplace.names == ["model", "sample.txt"])
  }

  @Test(arguments: ["--validate-text", "--validate-questions"])
  func `a file to validate on that does not exist`(option: String) throws {
    try Program.run("model", "-o", "out.vlmp", option, "none.txt", in: workplace)
      .expectFailure(66, "cannot open none.txt: No such file or directory")
    #expect(try workplace.names == ["model"])
  }
}
