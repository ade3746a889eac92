import Format
import Foundation
import Testing

/// Packs of a size or a quality.
@Suite struct BudgetTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
  }

  @Test(arguments: [
    ("e4", "14kB"), ("e4", "16000"), ("e3.5", "17KiB"), ("e6", "18500"), ("e2", "21kB"),
    ("q4", "19kB"), ("q8", "20000"), ("q5g32", "20.5KB"), ("q4", "21KiB"), ("q6", "22kB"),
  ])
  func `the whole file ends less than half a per cent below its target`(
    tier: String, size: String
  ) throws {
    let target = try #require(
      [
        "14kB": 14000, "16000": 16000, "17KiB": 17408, "18500": 18500, "21kB": 21000,
        "19kB": 19000, "20000": 20000, "20.5KB": 20500, "21KiB": 21504, "22kB": 22000,
      ][size])
    try Program.run(
      "model", "-o", "out.vlmp", "--quantize", tier, "--target-size", size, in: workplace
    ).expectSuccess()
    let size = try workplace.bytes("out.vlmp").count
    #expect(size <= target)
    #expect(Double(size) >= 0.995 * Double(target))
    try Program.run("verify", "out.vlmp", in: workplace).expectSuccess()
    let header = try PackReader(path: workplace.path("out.vlmp")).header
    let matrices = header.tensors.filter { $0.role == "projection" }
    #expect(!matrices.isEmpty)
    #expect(matrices.allSatisfy { $0.reason.hasPrefix("bit budget: ") })
    #expect(header.recipe["name"] == .string("\(tier.prefix(1)) for \(target) bytes"))
  }

  @Test(arguments: [
    ("e4", "13000", "the file cannot have 13000 bytes: the smallest possible has 13"),
    ("e4", "1MB", "the file cannot have 1000000 bytes: the largest possible has 2"),
    ("q4", "13000", "the file cannot have 13000 bytes: the smallest possible has 1"),
    ("q4", "1MB", "the file cannot have 1000000 bytes: the largest possible has 2"),
    ("f16", "20000", "“f16” has nothing to choose from"),
  ])
  func `a target out of reach`(tier: String, size: String, message: String) throws {
    try Program.run(
      "model", "-o", "out.vlmp", "--quantize", tier, "--target-size", size, in: workplace
    ).expectFailure(64, message)
    #expect(try workplace.names == ["model"])
  }

  @Test func `bits for every weight count the whole file`() throws {
    let outcome = try Program.run(
      "model", "-o", "out.vlmp", "--quantize", "e4", "--target-bpw", "9.5", "--json",
      in: workplace)
    outcome.expectSuccess()
    let document = try JSON(parsing: Array(outcome.output.utf8))
    let bits = try #require(document["bits_per_weight"]?.doubleValue)
    #expect(bits <= 9.5)
    #expect(bits >= 9.5 * 0.995)
  }

  @Test func `a dry run shows the encodings of the pack`() throws {
    let arguments = ["model", "--quantize", "q4", "--target-size", "20kB"]
    let plan = try Program.shell(
      "\"$PROGRAM\" \(arguments.joined(separator: " ")) --dry-run --json", in: workplace)
    plan.expectSuccess()
    try Program.shell(
      "\"$PROGRAM\" \(arguments.joined(separator: " ")) -o out.vlmp", in: workplace
    ).expectSuccess()
    let planned = try JSON(parsing: Array(plan.output.utf8))["tensors"]?.arrayValue ?? []
    let written = try PackReader(path: workplace.path("out.vlmp")).header.tensors
    #expect(
      planned.map { $0["encoding"] } == written.map { JSON.string($0.encoding) })
  }

  @Test func `neither threads nor another run change the bytes`() throws {
    for tier in ["e4", "q4"] {
      for threads in ["1", "2"] {
        try Program.run(
          "model", "-o", "\(threads).vlmp", "--quantize", tier, "--target-size", "20kB",
          "--threads", threads, "--force", in: workplace
        ).expectSuccess()
      }
      #expect(try workplace.bytes("1.vlmp") == workplace.bytes("2.vlmp"))
    }
  }

  @Test func `the results of a validation have their place in the size`() throws {
    try workplace.makeTextModel(as: "text")
    try workplace.write(SampleText.english, to: "sample.txt")
    let target = try plainSize("text", "e5")
    try Program.run(
      "text", "-o", "out.vlmp", "--quantize", "e4", "--target-size", "\(target)",
      "--validate-text", "sample.txt", in: workplace
    ).expectSuccess()
    let header = try PackReader(path: workplace.path("out.vlmp")).header
    #expect(header.evaluation["kl_mean"]?.doubleValue != nil)
    #expect(try workplace.bytes("out.vlmp").count <= target)
  }

  /// Expects a pack that comes within half a per cent of a target, and that threads do not matter.
  private func expectFitted(_ model: String, _ options: String, target: Int) throws {
    for threads in ["1", "2"] {
      try Program.shell(
        "\"$PROGRAM\" '\(model)' -o \(threads).vlmp --target-size \(target) --force --threads \(threads) \(options)",
        in: workplace
      ).expectSuccess()
    }
    let bytes = try workplace.bytes("1.vlmp")
    #expect(bytes.count <= target)
    #expect(Double(bytes.count) >= 0.995 * Double(target))
    #expect(try bytes == workplace.bytes("2.vlmp"))
  }

  @Test(arguments: [("e4", 16000), ("q5", nil)])
  func `a pack is the same on any number of threads`(tier: String, size: Int?) throws {
    try workplace.makeTextModel(as: "text")
    let target = try size ?? plainSize("text", tier)
    try expectFitted("text", "--quantize \(tier)", target: target)
  }

  @Test func `a calibrated pack meets its target as well, on any number of threads`() throws {
    let text = Fixtures.trained("evaluation/wikitext2-test-excerpt.txt")
    try expectFitted(
      Fixtures.trained("tiny-mamba"),
      "--quantize e4 --calibrate '\(text)' --calibration-tokens 512", target: 2_600_000)
  }

  @Test func `a quality is met, a better one with a larger file`() throws {
    let text = Fixtures.trained("evaluation/wikitext2-test-excerpt.txt")
    var sizes = [Int]()
    for bound in [0.03, 0.01] {
      try Program.run(
        Fixtures.trained("tiny-mamba"), "-o", "out.vlmp", "--quantize", "e4", "--quality",
        "kl<=\(bound)", "--validate-text", text, "--limit", "1", "--force", in: workplace
      ).expectSuccess()
      let found = try #require(try divergence(of: "out.vlmp"))
      #expect(found <= bound)
      #expect(found >= 0.8 * bound)
      sizes.append(try workplace.bytes("out.vlmp").count)
    }
    #expect(sizes[0] < sizes[1])
  }

  /// Bytes of a pack without a budget.
  private func plainSize(_ model: String, _ tier: String) throws -> Int {
    try Program.run(model, "-o", "plain.vlmp", "--quantize", tier, "--force", in: workplace)
      .expectSuccess()
    return try workplace.bytes("plain.vlmp").count
  }

  private func divergence(of pack: String) throws -> Double? {
    try PackReader(path: workplace.path(pack)).header.evaluation["kl_mean"]?.doubleValue
  }

  @Test func `a quality out of reach`() throws {
    try workplace.makeTextModel(as: "text")
    try workplace.write(SampleText.english, to: "sample.txt")
    try Program.run(
      "text", "-o", "out.vlmp", "--quantize", "e4", "--quality", "kl<=1e-12", "--validate-text",
      "sample.txt", in: workplace
    ).expectFailure(76, "no file reaches kl<=1e-12: the best has ")
    #expect(try workplace.names == ["model", "sample.txt", "text"])
  }

  @Test(arguments: [
    (["--target-size", "lots"], "--target-size takes a size such as 900MB"),
    (["--target-bpw", "0"], "--target-bpw takes 0.01 to 64 bits"),
    (["--target-size", "1MB", "--target-bpw", "4"], "Give one of --target-size"),
    (["--target-size", "1MB", "--recipe", "r.yaml"], "does not go with --recipe"),
    (["--quality", "kl<=0.1"], "--quality needs --validate-text"),
    (["--quality", "accuracy>=0.5", "--validate-text", "t"], "--quality takes a bound such as"),
    (["--quality", "kl>=0.5", "--validate-text", "t"], "--quality takes a bound such as"),
    (["--quality", "kl<=0.1", "--validate-text", "t", "--dry-run"], "--dry-run shows what"),
    (["--target-size", "1MB", "--calibrate", "t", "--dry-run"], "--dry-run shows what"),
  ])
  func `options that do not go together`(options: [String], message: String) throws {
    let quoted = options.map { "'\($0)'" }.joined(separator: " ")
    try Program.shell("\"$PROGRAM\" model -o out.vlmp \(quoted)", in: workplace)
      .expectFailure(64, message)
  }
}
