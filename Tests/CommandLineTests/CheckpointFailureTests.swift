import Format
import Foundation
import Testing

/// Broken checkpoints: each is refused with its exit code and one message that names the fault, and
/// nothing is written.
@Suite struct CheckpointFailureTests {
  private let workplace: Workplace

  init() throws { workplace = try Workplace() }

  private func convert(_ options: String...) throws -> Program.Outcome {
    let line = ["\"$PROGRAM\" model -o out.vlmp"] + options
    let outcome = try Program.shell(line.joined(separator: " "), in: workplace)
    let names = try workplace.names
    #expect(names.allSatisfy { $0 == "model" }, "something was written: \(names)")
    return outcome
  }

  @Test func `a directory that does not exist`() throws {
    try convert().expectFailure(66, "cannot open model: there is no such directory")
  }

  @Test func `a file in place of a directory`() throws {
    try workplace.write("{}", to: "model")
    try convert().expectFailure(65, "model: the model is a file", "expected a checkpoint directory")
  }

  @Test func `a directory without config.json`() throws {
    try workplace.copyModel("mamba1-hf")
    try workplace.remove("model/config.json")
    try convert().expectFailure(66, "model has no config.json")
  }

  @Test func `a directory without weights`() throws {
    try workplace.copyModel("mamba1-hf")
    try workplace.remove("model/model.safetensors")
    try convert().expectFailure(66, "model has no model.safetensors")
  }

  @Test func `a config.json that is no JSON`() throws {
    try workplace.copyModel("mamba1-hf")
    try workplace.write(#"{"model_type": "mamba","#, to: "model/config.json")
    try convert().expectFailure(65, "model/config.json: ", "byte 23")
  }

  @Test func `a shard that is missing`() throws {
    try workplace.copyModel("mamba1-hf")
    try workplace.shard("model")
    try workplace.remove("model/model-00002-of-00002.safetensors")
    try convert().expectFailure(66, "model has no model-00002-of-00002.safetensors")
  }

  @Test func `a tensor that the index promises and the shard lacks`() throws {
    try workplace.copyModel("mamba1-hf")
    try workplace.shard("model")
    let shard = "model/model-00001-of-00002.safetensors"
    var file = try TensorFile(reading: workplace.url(shard))
    let name = try #require(file.tensors.first?.name)
    file.remove(name)
    try workplace.write(file.encoded, to: shard)
    try convert().expectFailure(65, "model.safetensors.index.json", "“\(name)”")
  }

  @Test func `a file that ends too early`() throws {
    try workplace.copyModel("mamba1-hf")
    let bytes = try workplace.bytes("model/model.safetensors")
    try workplace.write(Array(bytes.dropLast(100)), to: "model/model.safetensors")
    try convert().expectFailure(65, "model/model.safetensors: ", "expected", "offsets")
  }

  @Test func `tensors that overlap`() throws {
    try workplace.copyModel("mamba1-hf")
    let file = try TensorFile(reading: workplace.url("model/model.safetensors"))
    var offsets = file.offsets
    offsets[1] = offsets[1].lowerBound - 4..<offsets[1].upperBound - 4
    try workplace.write(file.encoded(offsets: offsets), to: "model/model.safetensors")
    try convert().expectFailure(
      65, "model/model.safetensors: ", file.tensors[1].name, "at offset \(offsets[1].lowerBound)",
      "expected at offset \(offsets[0].upperBound)")
  }

  @Test func `a header that is longer than the file`() throws {
    try workplace.copyModel("mamba1-hf")
    let bytes = try workplace.bytes("model/model.safetensors")
    try workplace.write(
      UInt64(99_000_000).littleEndianBytes + bytes.dropFirst(8), to: "model/model.safetensors")
    try convert().expectFailure(65, "model/model.safetensors has 60024 bytes", "99000008")
  }

  @Test func `a header that is longer than accepted`() throws {
    try workplace.copyModel("mamba1-hf")
    let bytes = try workplace.bytes("model/model.safetensors")
    try workplace.write(
      UInt64.max.littleEndianBytes + bytes.dropFirst(8), to: "model/model.safetensors")
    try convert().expectFailure(
      69, "model/model.safetensors: ", "18446744073709551615", "100000000")
  }

  @Test func `an architecture that is not known lists those that are, nearest first`() throws {
    try workplace.copyModel("mamba1-hf") { file in
      for index in file.tensors.indices { file.tensors[index].name = "encoder.\(index)" }
    }
    try workplace.configure("model", ["model_type": .string("siglap")])
    try convert().expectFailure(65, "model_type “siglap”", "nearest first: siglip-vit, ")
  }

  @Test func `all faults of the tensors are reported together`() throws {
    try workplace.copyModel("mamba1-hf") { file in
      file.set(.pattern("backbone.layers.0.mixer.out_proj.weight", shape: [40, 24]))
      file.remove("backbone.layers.1.mixer.D")
      file.set(.pattern("backbone.layers.2.mixer.surprise", shape: [3]))
      file.change("backbone.layers.1.norm.weight") { $0.dataType = "I32" }
    }
    try convert().expectFailure(
      65, "the tensors of model do not fit its architecture:",
      "wrong shape: backbone.layers.0.mixer.out_proj.weight is [40, 24], expected [24, 40]",
      "missing: backbone.layers.1.mixer.D, expected shape [40]",
      "unused: backbone.layers.2.mixer.surprise [3] has no place in this architecture",
      "wrong type: backbone.layers.1.norm.weight is I32")
  }

  @Test(arguments: [Float.nan, .infinity])
  func `weights that are not finite`(value: Float) throws {
    try workplace.copyModel("mamba1-hf") { file in
      file.change("lm_head.weight") { $0 = $0.replacing(5, with: value) }
    }
    try convert().expectFailure(65, "lm_head.weight", "model/model.safetensors", "finite")
  }

  @Test func `control characters in names do not reach the terminal`() throws {
    try workplace.copyModel("mamba1-hf") { file in
      file.set(.pattern("evil\u{1B}[2J", shape: [3]))
    }
    let outcome = try convert()
    outcome.expectFailure(65, #"evil\u{1B}[2J"#)
    #expect(!outcome.error.contains("\u{1B}"))
  }

  @Test(arguments: [37, SampleTokenizer.size + 64])
  func `a tokenizer that does not go with the embedding`(rows: Int) throws {
    try workplace.makeTextModel(rows: rows)
    try convert().expectFailure(
      65, "model/tokenizer.json has 257 tokens", "the embedding has \(rows) rows")
  }

  @Test func `a tokenizer of another kind`() throws {
    try workplace.makeTextModel()
    let text = SampleTokenizer.text.replacing("\"BPE\"", with: "\"Unigram\"")
    try workplace.write(text, to: "model/tokenizer.json")
    try convert().expectFailure(65, "model/tokenizer.json: ", "Unigram")
  }
}
