import Foundation
import Testing

/// Mistakes on the command line.
@Suite struct UsageTests {
  @Test(arguments: [
    (["verfy", "x.vlmp"], "there is no command or directory “verfy”; did you mean “verify”?"),
    (["inspekt", "model"], "did you mean “inspect”?"),
    (["convrt", "model", "-o", "x"], "did you mean “convert”?"),
    (["model", "-o", "x", "--quantise", "q4"], "Did you mean '--quantize'?"),
    (["model"], "Say with -o which pack to write, or ask for a --dry-run."),
    (["model", "-o", "x", "--threads", "0"], "--threads takes 1 to 1024, not 0."),
    (["model", "-o", "x", "--threads", "many"], "'many' is invalid for '--threads <n>'"),
    (["model", "-o", "x", "--codec", "gzip"], "Please provide one of 'zstd', 'zlib' or 'stored'"),
    (["model", "-o", "x", "--window", "1"], "--window takes 2 to 1048576 positions, not 1."),
    (["evaluate", "model"], "Nothing to evaluate on; give --text, --questions or --images."),
    (["evaluate", "model", "--text", "t", "--limit", "0"], "--limit takes a positive number."),
    (["evaluate", "model", "--text", "t", "--stride", "0"], "--stride takes a positive number."),
    (["evaluate", "model", "--text", "t", "--beginning", "x"], "--beginning takes a token id"),
    (["generate", "model"], "Missing expected argument '--prompt <text>'"),
    (["generate", "model", "--prompt", "p", "--max-tokens", "-1"], "--max-tokens"),
    (["generate", "model", "--prompt", "p", "--temperature", "200"], "takes 0 to 100, not 200"),
    (["benchmark"], "Missing expected argument '<model>'"),
    (["benchmark", "model", "--prompt", "0"], "--prompt takes 1 to 65536, not 0."),
    (["benchmark", "model", "--decode", "65537"], "--decode takes 1 to 65536, not 65537."),
    (["benchmark", "model", "--repetitions", "0"], "--repetitions takes 1 to 1000, not 0."),
    (["benchmark", "model", "--threads", "1,"], "different numbers of 1 to 1024, separated by"),
    (["benchmark", "model", "--threads", "0"], "The value '0' is invalid for '--threads <n,n>'"),
    (["benchmark", "model", "--threads", "2,2"], "different numbers of 1 to 1024, separated by"),
    (["forward", "model", "--input", "i"], "Missing expected argument '--output <file>'"),
    (["forward", "m", "--input", "i", "-o", "o", "--engine", "warp"], "'fast' and 'reference'"),
    (["unpack", "x.vlmp"], "Missing expected argument '--output <directory>'"),
    (["verify"], "Missing expected argument '<pack>'"),
    (["inspect", "a", "b"], "Unexpected argument 'b'"),
  ])
  func `is answered with the reason and exit code 64`(
    arguments: [String], message: String
  ) throws {
    let quoted = arguments.map { "'\($0)'" }.joined(separator: " ")
    let workplace = try Workplace()
    try Program.shell("exec \"$PROGRAM\" \(quoted)", in: workplace).expectFailure(64, message)
    #expect(try workplace.names.isEmpty)
  }

  @Test func `without arguments the overview is shown`() throws {
    try Program.run(in: Workplace()).expectFailure(
      64, "Missing expected argument '<model-dir>'", "SUBCOMMANDS:")
  }

  @Test func `a directory may have a name like a command`() throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf", as: "verfy")
    try Program.run("verfy", "-o", "out.vlmp", in: workplace).expectSuccess()
  }

  @Test func `the version is printed`() throws {
    let outcome = try Program.run("--version", in: Workplace())
    outcome.expectSuccess()
    #expect(outcome.output == "1.0.0\n")
  }

  @Test func `text that is no terminal's is not coloured`() throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
    let outcome = try Program.run("inspect", "model", "--tensors", in: workplace)
    outcome.expectSuccess()
    #expect(!outcome.output.contains("\u{1B}"))
  }
}
