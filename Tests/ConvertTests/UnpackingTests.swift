import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

@Suite struct UnpackingTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func unpack(
    _ reader: PackReader, as name: String = "unpacked", overwrite: Bool = false
  ) throws -> String {
    try Unpacking.unpack(
      reader, to: directory.file(name), overwrite: overwrite, progress: { _, _ in })
    return directory.file(name)
  }

  @Test(arguments: Fixtures.models)
  func `an unpacked model converts to the same weights again`(fixture: String) throws {
    let original = try directory.convert(
      Checkpoint(directory: Fixtures.model(fixture)), .all("f32"), as: "original.vlmp")
    let checkpoint = try Checkpoint(directory: unpack(original))
    let again = try directory.convert(checkpoint, .all("f32"), as: "again.vlmp")
    #expect(try again.planes() == original.planes())
    #expect(again.header.tensors.map(\.shape) == original.header.tensors.map(\.shape))
    var description = try original.modelDescription()
    let standardProfiles = [
      "mamba1-ssm": "mamba1-hf", "mamba2-ssm": "mamba2-hf", "mamba2-mistral": "mamba2-hf",
    ]
    description.profile = standardProfiles[description.profile] ?? description.profile
    #expect(try again.modelDescription() == description)
    #expect(checkpoint.files.map(\.metadata) == [["format": "pt"]])
  }

  @Test(arguments: ["q4", "q8", "e4"])
  func `codes are unpacked to what they stand for`(preset: String) throws {
    let pack = try directory.convert(
      Checkpoint(directory: Fixtures.model("vlmamba-vss-l2-csm")), Presets.named(preset))
    let checkpoint = try Checkpoint(directory: unpack(pack))
    let weights = PackWeightSource(pack)
    let unpacked = try CheckpointWeightSource(checkpoint)
    for tensor in pack.header.tensors {
      let expected = try weights.matrix(of: tensor).expanded()
      let found = try unpacked.matrix(tensor.name, rows: tensor.rows, columns: tensor.columns)
      #expect(found.expanded() == expected, "\(tensor.name)")
    }
  }

  @Test func `names of state-spaces become those of Hugging Face`() throws {
    for fixture in ["mamba1-ssm", "mamba1-ssm-layernorm"] {
      let pack = try directory.convert(
        Checkpoint(directory: Fixtures.model(fixture)), .all("f32"))
      let checkpoint = try Checkpoint(directory: unpack(pack, as: fixture))
      #expect(checkpoint.tensors["backbone.embeddings.weight"]?.info.shape == [48, 20])
      #expect(checkpoint.tensors["backbone.embedding.weight"] == nil)
    }
  }

  @Test func `other spellings become the usual ones`() throws {
    let pack = try directory.convert(
      Checkpoint(directory: Fixtures.model("vlmamba-aliases")), .all("f32"))
    let names = try Checkpoint(directory: unpack(pack)).tensors.keys.map(\.text)
    let usual = try Checkpoint(directory: Fixtures.model("vlmamba-vss-l2-csm"))
      .tensors.keys.map(\.text)
    #expect(names.sorted() == usual.filter { $0 != "lm_head.weight" }.sorted())
  }

  @Test func `the configuration is that of the tensors`() throws {
    let pack = try directory.convert(
      Checkpoint(directory: Fixtures.model("mamba1-ssm")), .all("f32"))
    let configuration = try Checkpoint(directory: unpack(pack)).configuration
    let expected: JSON = [
      "architectures": ["MambaForCausalLM"], "model_type": "mamba", "torch_dtype": "float32",
      "hidden_size": 20, "intermediate_size": 40, "num_hidden_layers": 2, "vocab_size": 48,
      "state_size": 16, "time_step_rank": 2, "conv_kernel": 4, "use_bias": false,
      "use_conv_bias": true, "layer_norm_epsilon": .number(1e-5), "tie_word_embeddings": true,
      "eos_token_id": 0,
    ]
    #expect(configuration == expected)
  }

  @Test func `what a configuration says beyond the tensors is kept`() throws {
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      $0.configure("hidden_size", 32)
      $0.configure("eos_token_id", [2, 0])
      $0.configure("custom", "kept")
      $0.files["LICENSE"] = "free"
    }
    let path = try unpack(directory.convert(checkpoint, .all("bf16")))
    let unpacked = try Checkpoint(directory: path)
    #expect(unpacked.configuration["custom"] == "kept")
    #expect(unpacked.configuration["hidden_size"] == 24)
    #expect(unpacked.configuration["torch_dtype"] == "float32")
    #expect(unpacked.configuration["dtype"] == nil)
    #expect(unpacked.configuration["eos_token_id"] == [2, 0])
    #expect(try unpacked.text("LICENSE") == Array("free".utf8))
  }

  @Test func `an existing directory is not touched unless asked`() throws {
    let pack = try directory.convert(
      Checkpoint(directory: Fixtures.model("mamba1-hf")), .all("f32"))
    let path = try directory.directory("unpacked")
    #expect(throws: ConvertError.outputExists(path)) { try unpack(pack) }
    #expect(ConvertError.outputExists(path).kind == .cannotCreate)
    #expect(!FileSystem.exists(path + "/model.safetensors"))
    _ = try unpack(pack, overwrite: true)
    let first = try contents(of: path + "/model.safetensors")
    _ = try unpack(pack, overwrite: true)
    #expect(try contents(of: path + "/model.safetensors") == first)
  }

  @Test func `progress counts the bytes`() throws {
    let pack = try directory.convert(
      Checkpoint(directory: Fixtures.model("mamba1-hf")), Presets.named("q8"))
    let total = pack.header.tensors.reduce(0) { $0 + $1.rows * $1.columns * 4 }
    var reports = [Int]()
    try Unpacking.unpack(pack, to: directory.file("out"), overwrite: false) {
      reports.append($0)
      #expect($1 == total)
    }
    #expect(reports == reports.sorted() && reports.last == total)
  }
}
