import Format
import Foundation
import Testing

/// `inspect`, `verify` and `unpack` on intact models.
@Suite struct PackCommandTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try workplace.copyModel("vlmamba-vss-mlp-bsm")
    try Program.run("model", "-o", "out.vlmp", in: workplace).expectSuccess()
  }

  @Test func `inspect says what a pack holds`() throws {
    let inspection = try Program.run("inspect", "out.vlmp", in: workplace)
    inspection.expectSuccess()
    let pack = try PackReader(path: workplace.path("out.vlmp"))
    for text in [
      "profile          vlmamba\n", "vocabulary 29, tied head\n", "3 × 3 patches of 4 pixels\n",
      "connector        scanMLP", "model id         \(pack.modelID)\n", "recipe           q4\n",
    ] {
      #expect(inspection.output.contains(text), "\(inspection.output)")
    }
  }

  @Test func `inspect says what a checkpoint holds`() throws {
    let inspection = try Program.run("inspect", "model", in: workplace)
    inspection.expectSuccess()
    #expect(inspection.output.contains("weights          17.72 k in 92 tensors\n"))
    #expect(inspection.error.hasPrefix("note: vision layer -2 of 3 feeds a scanMLP connector"))
  }

  @Test(arguments: ["model", "out.vlmp"])
  func `inspect lists every tensor on demand`(model: String) throws {
    let inspection = try Program.run("inspect", model, "--tensors", in: workplace)
    inspection.expectSuccess()
    let lines = inspection.output.split(separator: "\n")
    #expect(lines.count { $0.hasPrefix("language.layers.0.") } == 10)
    #expect(lines.contains { $0.hasPrefix("connector.scan.convolution.weight") })
  }

  @Test func `inspect as JSON describes model, recipe and origin`() throws {
    let inspection = try Program.run("inspect", "out.vlmp", "--tensors", "--json", in: workplace)
    inspection.expectSuccess()
    let document = try JSON(parsing: Array(inspection.output.utf8))
    let pack = try PackReader(path: workplace.path("out.vlmp"))
    #expect(document["model_id"] == .string(pack.modelID))
    #expect(document["model"] == pack.header.model)
    #expect(document["provenance"] == pack.header.provenance)
    #expect(document["tensors"]?.arrayValue?.count == pack.header.tensors.count)
  }

  @Test func `verify confirms an intact pack`() throws {
    let verification = try Program.run("verify", "out.vlmp", "--json", in: workplace)
    verification.expectSuccess()
    let document = try JSON(parsing: Array(verification.output.utf8))
    #expect(document["ok"] == .bool(true))
    #expect(document["faults"] == .array([]))
  }

  @Test func `unpack writes a checkpoint that converts to the same values`() throws {
    try Program.run("unpack", "out.vlmp", "-o", "unpacked", in: workplace).expectSuccess()
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: workplace.path("unpacked")).sorted()
        == ["config.json", "model.safetensors"])
    try workplace.write(try sampleInput(), to: "in.safetensors")
    for model in ["out.vlmp", "unpacked"] {
      try Program.run(
        "forward", model, "--input", "in.safetensors", "-o", "\(model).safetensors",
        "--engine", "reference", in: workplace
      ).expectSuccess()
    }
    #expect(
      try workplace.bytes("out.vlmp.safetensors") == workplace.bytes("unpacked.safetensors"))
  }

  @Test func `unpack fills an existing directory only by force`() throws {
    try workplace.createDirectory("unpacked")
    try Program.run("unpack", "out.vlmp", "-o", "unpacked", in: workplace)
      .expectFailure(73, "unpacked exists; --force replaces it")
    #expect(try workplace.names == ["model", "out.vlmp", "unpacked"])
    try Program.run("unpack", "out.vlmp", "-o", "unpacked", "--force", in: workplace)
      .expectSuccess()
    #expect(workplace.exists("unpacked/model.safetensors"))
  }

  @Test func `unpack needs the parent of its directory`() throws {
    try Program.run("unpack", "out.vlmp", "-o", "none/unpacked", in: workplace)
      .expectFailure(73, "cannot create none/unpacked: No such file or directory")
  }

  @Test func `an unpacking that runs out of space leaves no directory`() throws {
    try Program.shell("ulimit -f 8; exec \"$PROGRAM\" unpack out.vlmp -o unpacked", in: workplace)
      .expectFailure(74, "writing unpacked/model.safetensors failed: File too large")
    #expect(try workplace.names == ["model", "out.vlmp"])
  }

  private func sampleInput() throws -> [UInt8] {
    let ids: [Int32] = [3, 1, 4, 1, 5, 9, 2, 6]
    return TensorFile([
      .init(
        name: "input_ids", dataType: "I32", shape: [ids.count],
        bytes: ids.flatMap(\.littleEndianBytes)),
      .pattern("pixel_values", shape: [3, 12, 12]),
    ]).encoded
  }
}
