import Format
import Foundation
import Testing

/// What `convert` does with intact checkpoints.
@Suite struct ConvertTests {
  @Test(arguments: [
    "mamba1-hf", "mamba1-hf-tied-bf16", "mamba1-ssm", "siglip", "siglip-classifier",
    "vlmamba-linear", "vlmamba-vss-l2-csm", "vlmamba-vss-mlp-mamba-bsm",
  ])
  func `every kind of checkpoint becomes a pack that verifies`(fixture: String) throws {
    let workplace = try Workplace()
    try workplace.copyModel(fixture)
    let conversion = try Program.run("model", "-o", "out.vlmp", in: workplace)
    conversion.expectSuccess()
    #expect(conversion.output.contains("recipe q4"))
    #expect(try workplace.names == ["model", "out.vlmp"])
    let verification = try Program.run("verify", "out.vlmp", in: workplace)
    verification.expectSuccess()
    #expect(verification.output.contains("verified"))
  }

  @Test(arguments: ["q8", "q4", "f16", "bf16", "f32", "q8g32", "e4", "e2.5"])
  func `every preset is applied and stored`(preset: String) throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
    try Program.run("model", "-o", "out.vlmp", "--quantize", preset, in: workplace).expectSuccess()
    let pack = try PackReader(path: workplace.path("out.vlmp"))
    #expect(pack.header.recipe["name"] == .string(preset))
  }

  @Test func `the command's name may be left out or said`() throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
    try Program.run("model", "-o", "short.vlmp", in: workplace).expectSuccess()
    try Program.run("convert", "model", "-o", "long.vlmp", in: workplace).expectSuccess()
    #expect(try workplace.bytes("short.vlmp") == workplace.bytes("long.vlmp"))
  }

  @Test func `the bytes do not depend on the number of threads`() throws {
    let workplace = try Workplace()
    try workplace.makeVisionLanguageModel()
    for threads in ["1", "2", "5"] {
      try Program.run(
        "model", "-o", "\(threads).vlmp", "--threads", threads, in: workplace
      ).expectSuccess()
    }
    #expect(try workplace.bytes("1.vlmp") == workplace.bytes("2.vlmp"))
    #expect(try workplace.bytes("1.vlmp") == workplace.bytes("5.vlmp"))
  }

  @Test func `a model in shards gives the same tensors as one in a single file`() throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf", as: "single")
    try workplace.copyModel("mamba1-hf", as: "sharded")
    try workplace.shard("sharded")
    var tensors = [[PackTensor]]()
    for name in ["single", "sharded"] {
      try Program.run(name, "-o", "\(name).vlmp", in: workplace).expectSuccess()
      tensors.append(try PackReader(path: workplace.path("\(name).vlmp")).header.tensors)
    }
    #expect(tensors[0] == tensors[1])
  }

  @Test func `a dry run prints every tensor with its reason and writes nothing`() throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
    let plan = try Program.run("model", "--dry-run", "-o", "out.vlmp", in: workplace)
    plan.expectSuccess()
    let lines = plan.output.split(separator: "\n")
    #expect(lines.first?.hasPrefix("tensor") == true)
    #expect(lines.contains { $0.hasPrefix("language.head.weight") })
    #expect(lines.contains { $0.contains("far less precise than a float") })
    #expect(lines.last?.hasPrefix("39 tensors, 14064 weights") == true)
    #expect(try workplace.names == ["model"])
  }

  @Test func `a plan as JSON lists the tensors`() throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
    let plan = try Program.run("model", "--dry-run", "--json", in: workplace)
    plan.expectSuccess()
    let document = try JSON(parsing: Array(plan.output.utf8))
    #expect(document["tensors"]?.arrayValue?.count == 39)
    #expect(document["recipe"] == .string("q4"))
  }

  @Test func `a conversion as JSON has the documented figures`() throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
    let conversion = try Program.run("model", "-o", "out.vlmp", "--json", in: workplace)
    conversion.expectSuccess()
    let document = try JSON(parsing: Array(conversion.output.utf8))
    let pack = try PackReader(path: workplace.path("out.vlmp"))
    #expect(document["model_id"] == .string(pack.modelID))
    #expect(document["bytes_out"]?.intValue == pack.byteCount)
    #expect(document["bytes_in"]?.intValue == 56_256)
    #expect(document["parameters"]?.intValue == 14_064)
    let bits = try #require(document["bits_per_weight"]?.doubleValue)
    #expect(abs(bits - Double(pack.byteCount * 8) / 14_064) < 1e-9)
    #expect((document["seconds"]?.doubleValue ?? 0) > 0)
    #expect(document["openblas"]?.stringValue?.isEmpty == false)
    #expect(document["openblas_threads"]?.intValue == 1)
    #expect((document["peak_memory_bytes"]?.intValue ?? 0) > 1 << 20)
  }

  @Test(arguments: [
    ("recipe.yaml", "name: mine\nrules:\n  - {role: head, encoding: q8, reason: precise}\n"),
    ("recipe.json", #"{"name": "mine", "rules": [{"role": "head", "encoding": "q8"}]}"#),
  ])
  func `a recipe's rules come before those of the preset`(name: String, text: String) throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
    try workplace.write(text, to: name)
    try Program.run(
      "model", "-o", "out.vlmp", "--recipe", name, "--quantize", "q4", in: workplace
    ).expectSuccess()
    let pack = try PackReader(path: workplace.path("out.vlmp"))
    let head = pack.header.tensors.first { $0.name == "language.head.weight" }
    #expect(head?.encoding == "q8")
    #expect(pack.header.recipe["name"] == .string("mine"))
  }

  @Test(arguments: ["stored", "zlib", "zstd"])
  func `every compression gives a pack that verifies`(codec: String) throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
    try Program.run("model", "-o", "out.vlmp", "--codec", codec, in: workplace).expectSuccess()
    try Program.run("verify", "out.vlmp", in: workplace).expectSuccess()
  }

  @Test func `weights that are not finite stay floats if that is allowed`() throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf") { file in
      file.change("lm_head.weight") { $0 = $0.replacing(5, with: .nan) }
    }
    try Program.run(
      "model", "-o", "out.vlmp", "--allow-non-finite", in: workplace
    ).expectSuccess()
    let pack = try PackReader(path: workplace.path("out.vlmp"))
    let head = pack.header.tensors.first { $0.name == "language.head.weight" }
    #expect(head?.encoding == "f32")
    #expect(head?.reason == "holds values that are not finite")
  }

  @Test func `a conversion that is measured stores what was measured`() throws {
    let workplace = try Workplace()
    try workplace.makeTextModel()
    try workplace.write(SampleText.english, to: "sample.txt")
    let conversion = try Program.run(
      "model", "-o", "out.vlmp", "--quantize", "q8", "--validate-text", "sample.txt",
      "--require", "perplexity_ratio<=1.5,kl<=1", "--json", in: workplace)
    conversion.expectSuccess()
    let document = try JSON(parsing: Array(conversion.output.utf8))
    let pack = try PackReader(path: workplace.path("out.vlmp"))
    #expect(document["evaluation"]?["tokens"]?.intValue == SampleText.english.utf8.count)
    #expect(document["evaluation"] == pack.header.evaluation)
  }

  @Test func `an output is replaced only by force`() throws {
    let workplace = try Workplace()
    try workplace.copyModel("mamba1-hf")
    try workplace.write("precious", to: "out.vlmp")
    try Program.run("model", "-o", "out.vlmp", in: workplace)
      .expectFailure(73, "out.vlmp exists already; --force replaces it")
    #expect(try workplace.bytes("out.vlmp") == Array("precious".utf8))
    try Program.run("model", "-o", "out.vlmp", "--force", in: workplace).expectSuccess()
    #expect(PackReader.isPack(path: workplace.path("out.vlmp")))
    #expect(try workplace.names == ["model", "out.vlmp"])
  }
}
