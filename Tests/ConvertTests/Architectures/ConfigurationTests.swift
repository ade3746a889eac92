import Convert
import Format
import Runtime
import TestSupport
import Testing

/// What config.json says, and what happens when it is wrong.
@Suite struct ConfigurationTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func describe(_ checkpoint: Checkpoint) throws -> CheckpointWeightSource {
    try CheckpointWeightSource(checkpoint)
  }

  /// An option with a value that is not supported: fixture, member, value, option named, found, supported.
  struct Unsupported: CustomTestStringConvertible {
    let fixture: String
    let member: String
    let value: JSON
    let option: String
    let found: String
    let supported: String
    var testDescription: String { "\(fixture): \(member) \(value.canonicalText)" }

    init(
      _ fixture: String, _ member: String, _ value: JSON, option: String? = nil, found: String,
      supported: String
    ) {
      self.fixture = fixture
      self.member = member
      self.value = value
      self.option = option ?? member
      self.found = found
      self.supported = supported
    }
  }

  static let unsupported: [Unsupported] = [
    .init("mamba1-hf", "hidden_act", "gelu", found: "“gelu”", supported: "silu or swish"),
    .init("mamba1-ssm", "d_intermediate", 64, found: "64", supported: "0"),
    .init(
      "mamba1-hf", "quantization_config", ["quant_method": "gptq"], found: "“gptq”",
      supported: "a checkpoint with float weights"),
    .init(
      "vlmamba-linear", "text_model_type", "llama", found: "“llama”",
      supported: "falcon_mamba or mamba or mamba2"),
    .init(
      "vlmamba-linear", "vision_config/hidden_act", "relu", option: "hidden_act",
      found: "“relu”", supported: "gelu or gelu_pytorch_tanh or quick_gelu or silu"),
    .init(
      "vlmamba-linear", "mm_projector_type", "resampler", found: "“resampler”",
      supported: "linear, mlp2x_gelu, vss_l2, vss_mlp"),
    .init(
      "vlmamba-linear", "image_aspect_ratio", "anyres", found: "“anyres”",
      supported: ImageProcessor.AspectRatio.allCases.map(\.rawValue).joined(separator: " or ")),
    .init(
      "vlmamba-vss-l2-csm", "mm_vss_scan", "zigzag", found: "“zigzag”", supported: "bsm or csm"),
    .init(
      "vlmamba-vss-l2-csm", "mm_vss_scan", "bsm", found: "2 directions",
      supported: "the 4 directions of the tensors"),
    .init(
      "vlmamba-vss-mlp-bsm", "mm_vss_scan", "csm", found: "4 directions",
      supported: "the 2 directions of the tensors"),
    .init("vlmamba-vss-l2-csm", "mm_vss_merge", "max", found: "“max”", supported: "sum or mean"),
    .init("vlmamba-vss-l2-csm", "mm_vss_impl", "conv", found: "“conv”", supported: "ss2d or mamba"),
  ]

  @Test(arguments: unsupported)
  func `an option that is not supported is refused by name`(option: Unsupported) throws {
    let checkpoint = try directory.checkpoint(option.fixture) {
      $0.configure(option.member, option.value)
    }
    #expect(
      throws: ConvertError.unsupported(
        option: option.option, found: option.found, supported: option.supported,
        file: checkpoint.directory + "/config.json")
    ) { try describe(checkpoint) }
  }

  /// Fixture, member, value and what was expected of the key named.
  static let malformed: [(String, String, JSON?, String, String)] = [
    ("mamba1-hf", "hidden_size", "wide", "hidden_size", "an integer"),
    (
      "siglip", "image_size", 0, "image_size",
      "a positive integer, or two of them for height and width"
    ),
    ("mamba1-hf", "num_hidden_layers", 5000, "num_hidden_layers", "1 to 4096 layers"),
    (
      "mamba1-hf", "layer_norm_epsilon", .number(-1), "layer_norm_epsilon",
      "a finite number that is not negative"
    ),
    ("mamba1-hf", "tie_word_embeddings", 1, "tie_word_embeddings", "true or false"),
    ("mamba1-hf", "use_bias", "yes", "use_bias", "true or false"),
    ("mamba1-hf", "eos_token_id", -1, "eos_token_id", "a token id or a list of them"),
    ("mamba1-hf", "eos_token_id", [1, "x"], "eos_token_id", "a token id or a list of them"),
    (
      "vlmamba-linear", "vision_config", nil, "vision_config",
      "the configuration of the vision tower"
    ),
    ("vlmamba-linear", "mm_grid", [3], "mm_grid", "two integers from 1 to 1024, rows and columns"),
    (
      "vlmamba-linear", "mm_grid", [3, 0], "mm_grid",
      "two integers from 1 to 1024, rows and columns"
    ),
    (
      "siglip-classifier", "id2label/2", nil, "id2label",
      "names for the 4 outputs of classifier.weight"
    ),
  ]

  @Test(arguments: malformed)
  func `a member of the wrong kind is refused by name`(
    fixture: String, member: String, value: JSON?, key: String, expected: String
  ) throws {
    let checkpoint = try directory.checkpoint(fixture) { $0.configure(member, value) }
    #expect(
      throws: ConvertError.malformedConfiguration(
        file: checkpoint.directory + "/config.json", key: key, expected: expected)
    ) { try describe(checkpoint) }
  }

  /// Fixture, member, a wrong value, and the note about it.
  static let disagreements: [(String, String, JSON, String)] = [
    ("mamba1-hf", "hidden_size", 32, "hidden_size 32, the tensors say 24: 24 is used"),
    ("mamba1-hf", "intermediate_size", 48, "intermediate_size 48, the tensors say 40: 40 is used"),
    ("mamba1-hf", "state_size", 16, "state_size 16, the tensors say 5: 5 is used"),
    ("mamba1-hf", "time_step_rank", 2, "time_step_rank 2, the tensors say 3: 3 is used"),
    ("mamba1-hf", "conv_kernel", 4, "conv_kernel 4, the tensors say 3: 3 is used"),
    ("mamba1-hf", "vocab_size", 40, "vocab_size 40, the tensors say 37: 37 is used"),
    ("mamba1-hf", "num_hidden_layers", 2, "num_hidden_layers 2, the tensors say 3: 3 is used"),
    ("mamba1-hf", "use_bias", false, "use_bias false, the tensors say true: true is used"),
    (
      "mamba1-hf", "use_conv_bias", false, "use_conv_bias false, the tensors say true: true is used"
    ),
    (
      "mamba1-ssm", "vocab_size", 30,
      "vocab_size 30 padded to a multiple of 8, the tensors say 48: 48 is used"
    ),
    ("mamba1-ssm", "d_model", 24, "d_model 24, the tensors say 20: 20 is used"),
    ("mamba1-ssm", "ssm_cfg", ["d_state": 8], "d_state 8, the tensors say 16: 16 is used"),
    ("siglip", "hidden_size", 24, "hidden_size 24, the tensors say 20: 20 is used"),
    ("siglip", "intermediate_size", 40, "intermediate_size 40, the tensors say 37: 37 is used"),
    ("siglip", "patch_size", 3, "patch_size 3, the tensors say 4: 4 is used"),
    (
      "siglip", "image_size", 16,
      "a grid of 4 × 4 patches, the tensors say 3 × 3: the latter is used"
    ),
    ("vlmamba-linear", "mm_hidden_size", 20, "mm_hidden_size 20, the tensors say 18: 18 is used"),
  ]

  @Test(arguments: disagreements)
  func `where configuration and shapes disagree, the shapes win with a note`(
    fixture: String, member: String, value: JSON, note: String
  ) throws {
    let plain = try describe(Checkpoint(directory: Fixtures.model(fixture)))
    let checkpoint = try directory.checkpoint(fixture) { $0.configure(member, value) }
    let changed = try describe(checkpoint)
    #expect(changed.description == plain.description)
    #expect(changed.notes.filter { !plain.notes.contains($0) } == ["config.json says " + note])
  }

  @Test(arguments: ["mamba1-hf", "mamba1-ssm", "mamba2-hf", "siglip", "clip-vit", "internvit"])
  func `nothing is noted where they agree`(fixture: String) throws {
    #expect(try describe(Checkpoint(directory: Fixtures.model(fixture))).notes.isEmpty)
  }

  @Test func `what the paper leaves open is noted`() throws {
    let notes = try describe(Checkpoint(directory: Fixtures.model("vlmamba-vss-l2-mean-rms"))).notes
    #expect(
      notes == [
        "vision layer -2 of 3 feeds a scanLinear connector, cross gridScan merged by mean, rms normalization with epsilon 0.01 on a grid of 3 × 2"
      ])
  }

  @Test func `a position table that is no square is refused`() throws {
    let name = "vision_model.embeddings.position_embedding.weight"
    let checkpoint = try directory.checkpoint("siglip") {
      $0.tensors[name] = .init([Float](repeating: 0, count: 160), shape: [8, 20])
    }
    #expect(
      throws: ConvertError.unsupported(
        option: "position table", found: "8 entries", supported: "a square grid",
        file: checkpoint.directory + "/config.json")
    ) { try describe(checkpoint) }
  }

  @Test func `a model without its vision tower is refused`() throws {
    let checkpoint = try directory.checkpoint("vlmamba-linear") { sample in
      sample.tensors = sample.tensors.filter { !$0.key.contains("vision_tower") }
    }
    do {
      _ = try describe(checkpoint)
      Issue.record("described")
    } catch ConvertError.unsupported(let option, _, _, _) {
      #expect(option == "vision tower")
    }
  }

  static let absurdNumbers: [JSON] = [
    .integer(.max), .integer(.min), .number(1e300), .number(-1e300), .number(0.5), 0, -1,
  ]

  /// Describes a checkpoint or refuses it with an error of ours.
  private func describeOrRefuse(_ checkpoint: Checkpoint, _ what: String) {
    do {
      _ = try describe(checkpoint)
    } catch {
      #expect(error is ConvertError || error is ModelError, "\(what): \(error)")
    }
  }

  @Test(arguments: ["mamba1-hf", "mamba1-ssm", "siglip", "vlmamba-vss-l2-csm"])
  func `absurd numbers in a configuration do not trap`(fixture: String) throws {
    let keys = [
      "vocab_size", "num_hidden_layers", "n_layer", "hidden_size", "d_model", "state_size",
      "time_step_rank", "pad_vocab_size_multiple", "image_size", "patch_size",
      "num_attention_heads", "mm_vision_select_layer", "mm_hidden_size", "eos_token_id",
      "vision_config/image_size", "vision_config/hidden_size", "vision_config/patch_size",
    ]
    for key in keys where fixture.hasPrefix("vlmamba") || !key.hasPrefix("vision_config") {
      for number in Self.absurdNumbers {
        let checkpoint = try directory.checkpoint(fixture) { $0.configure(key, number) }
        describeOrRefuse(checkpoint, "\(key) \(number)")
      }
    }
  }

  /// Sizes of dimensions that no checkpoint has.
  static let absurdShapes = [[], [.max, 0], [0, .max]]

  @Test(arguments: [
    "mamba1-hf", "siglip-classifier", "vlmamba-vss-l2-csm", "vlmamba-vss-mlp-mamba-csm",
  ])
  func `absurd shapes and sizes do not trap`(fixture: String) throws {
    for number in [nil, JSON.integer(.max)] {
      var sample = try SampleCheckpoint(fixture: fixture)
      if let number { sample.configuration = sample.configuration.replacingNumbers(with: number) }
      // Layers beyond the first are alike, and no size is read from attention or normalizations.
      let skipped = ["layers.1.", "layers.2.", "self_attn", "norm"]
      for name in sample.tensors.keys where !skipped.contains(where: name.contains) {
        for shape in Self.absurdShapes {
          var changed = sample
          let count = shape.contains(0) ? 0 : 1
          changed.tensors[name] = .init([Float](repeating: 0, count: count), shape: shape)
          try changed.write(to: directory.path)
          describeOrRefuse(try Checkpoint(directory: directory.path), "\(name) \(shape)")
        }
      }
    }
  }
}

extension JSON {
  /// The value with every number inside replaced.
  fileprivate func replacingNumbers(with number: JSON) -> JSON {
    switch self {
    case .integer, .number: number
    case .array(let elements): .array(elements.map { $0.replacingNumbers(with: number) })
    case .object(let members): .object(members.mapValues { $0.replacingNumbers(with: number) })
    default: self
    }
  }
}
