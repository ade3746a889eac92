import Format
import Runtime

/// Mamba-1 language models, in the layouts of Hugging Face and of the state-spaces repository.
///
/// The tensors are the same but for the name of the embedding; the configurations have other keys.
struct MambaOne: Architecture {
  enum Layout: String { case huggingFace, stateSpaces }

  let layout: Layout

  var profile: String { layout == .huggingFace ? "mamba1-hf" : "mamba1-ssm" }

  var summary: String {
    layout == .huggingFace
      ? "Mamba-1 language model, Hugging Face names"
      : "Mamba-1 language model, state-spaces names"
  }

  var modelTypes: [String] { ["mamba"] }

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    let modelType = checkpoint.configuration["model_type"]?.stringValue
    guard modelType == nil || modelType == "mamba" else { return false }
    let names = checkpoint.tensors.keys.map { Self.strip($0.text) }
    let embedding =
      layout == .huggingFace ? "backbone.embeddings.weight" : "backbone.embedding.weight"
    return names.contains(embedding) && names.contains { $0.hasSuffix(".mixer.x_proj.weight") }
  }

  func standardName(_ name: String, in checkpoint: Checkpoint) -> String? {
    Self.standardName(name)
  }

  /// Takes off what wrappers put in front of names.
  private static func strip(_ name: String) -> String {
    var name = Substring(name)
    for prefix in ["module.", "_orig_mod.", "language_model."] where name.hasPrefix(prefix) {
      name = name.dropFirst(prefix.count)
    }
    if name.hasPrefix("model.backbone.") { name = name.dropFirst("model.".count) }
    return String(name)
  }

  static func standardName(_ name: String) -> String {
    let stripped = strip(name)
    return stripped == "backbone.embedding.weight" ? "backbone.embeddings.weight" : stripped
  }

  func describe(_ reader: inout CheckpointReader) throws -> ModelDescription {
    ModelDescription(profile: profile, language: try Self.language(&reader))
  }

  /// The language model of a checkpoint, alone or as a part of a larger one.
  static func language(_ reader: inout CheckpointReader) throws -> LanguageDescription {
    try reader.require(
      "hidden_act", reader.text("hidden_act", default: "silu"), among: ["silu", "swish"])
    let feedForward = try reader.integer(["d_intermediate"])?.value ?? 0
    guard feedForward == 0 else {
      throw ConvertError.unsupported(
        option: "d_intermediate", found: String(feedForward), supported: "0",
        file: reader.configurationFile)
    }
    let embedding = "backbone.embeddings.weight"
    return LanguageDescription(
      kind: .mamba,
      layers: try reader.layers(
        prefix: "backbone.layers.", keys: ["num_hidden_layers", "n_layer"]),
      vocabularySize: try vocabulary(&reader, rows: reader.dimension(embedding, 0)),
      mixer: try mixer(
        &reader, prefix: "backbone.layers.0.mixer.", width: reader.dimension(embedding, 1)),
      normalization: reader.has("backbone.norm_f.bias") ? .layer : .rms,
      epsilon: try reader.number(["layer_norm_epsilon", "norm_epsilon"], default: 1e-5),
      hasTiedHead: try isTied(&reader),
      endOfText: try endOfText(reader))
  }

  /// Embedding rows; the state-spaces configuration states them without padding.
  private static func vocabulary(
    _ reader: inout CheckpointReader, rows: Int?
  ) throws -> Int {
    guard let multiple = try reader.integer(["pad_vocab_size_multiple"])?.value, multiple > 0,
      let stated = try reader.integer(["vocab_size"])?.value, stated > 0, stated < 1 << 30
    else { return try reader.size("vocabulary size", shape: rows, keys: ["vocab_size"]) }
    let padded = (stated + multiple - 1) / multiple * multiple
    if let rows, rows != padded, rows != stated {
      reader.note(
        "config.json says vocab_size \(stated) padded to a multiple of \(multiple), the tensors say \(rows): \(rows) is used"
      )
    }
    return rows ?? padded
  }

  private static func mixer(
    _ reader: inout CheckpointReader, prefix: String, width: Int?
  ) throws -> MambaMixerDescription {
    let ssm = reader.configuration.present("ssm_cfg") ?? reader.configuration
    let width = try reader.size("width", shape: width, keys: ["hidden_size", "d_model"])
    return MambaMixerDescription(
      width: width,
      innerWidth: try reader.size(
        "inner width", shape: reader.dimension(prefix + "A_log", 0), keys: ["intermediate_size"]),
      stateSize: try reader.size(
        "state size", shape: reader.dimension(prefix + "A_log", 1),
        keys: ["state_size", "d_state"],
        in: ssm),
      timeStepRank: try timeStepRank(&reader, prefix, width: width, ssm),
      convolutionWidth: try reader.size(
        "convolution width", shape: reader.dimension(prefix + "conv1d.weight", 2),
        keys: ["conv_kernel", "d_conv"], in: ssm),
      hasProjectionBias: try hasBias(
        &reader, prefix + "in_proj.bias", keys: ["use_bias", "bias"], default: false, in: ssm),
      hasConvolutionBias: try hasBias(
        &reader, prefix + "conv1d.bias", keys: ["use_conv_bias", "conv_bias"], default: true,
        in: ssm))
  }

  private static func timeStepRank(
    _ reader: inout CheckpointReader, _ prefix: String, width: Int, _ ssm: JSON
  ) throws -> Int {
    let keys = ["time_step_rank", "dt_rank"]
    let shape = reader.dimension(prefix + "dt_proj.weight", 1)
    let stated = keys.compactMap { ssm.present($0) }.first
    if stated == nil || stated?.stringValue == "auto" { return shape ?? (width + 15) / 16 }
    return try reader.size("time-step rank", shape: shape, keys: keys, in: ssm)
  }

  /// Whether a bias exists; the tensors decide.
  private static func hasBias(
    _ reader: inout CheckpointReader, _ name: String, keys: [String], default fallback: Bool,
    in ssm: JSON
  ) throws -> Bool {
    let stated = try reader.flag(keys, default: fallback, in: ssm)
    let found = reader.has(name)
    if stated != found, reader.has("backbone.layers.0.mixer.in_proj.weight") {
      reader.note(
        "config.json says \(keys[0]) \(stated), the tensors say \(found): \(found) is used")
    }
    return found
  }

  /// Whether the head is the embedding: no head tensor, or a configuration that ties them.
  private static func isTied(_ reader: inout CheckpointReader) throws -> Bool {
    guard let head = reader.tensors["lm_head.weight"] else { return true }
    guard try reader.flag(["tie_word_embeddings", "tie_embeddings"], default: true) else {
      return false
    }
    reader.leaveOut(repeated: "lm_head.weight")
    if let embedding = reader.tensors["backbone.embeddings.weight"] {
      let same = try embedding.file.bytes(of: embedding.info) == head.file.bytes(of: head.info)
      if !same {
        reader.note(
          "lm_head.weight differs from the embedding although the configuration ties them: the embedding is used"
        )
      }
    }
    return true
  }

  private static func endOfText(_ reader: CheckpointReader) throws -> [Int] {
    let value = reader.configuration.present("eos_token_id")
    let ids = value?.arrayValue ?? value.map { [$0] } ?? [.integer(0)]
    return try ids.map { id in
      guard let id = id.intValue, id >= 0 else {
        throw ConvertError.malformedConfiguration(
          file: reader.configurationFile, key: "eos_token_id",
          expected: "a token id or a list of them")
      }
      return id
    }
  }

  func tensors(_ description: ModelDescription) -> [TensorRule] {
    description.language.map(Self.tensors) ?? []
  }

  /// The tensors of a language model, alone or as a part of a larger one.
  static func tensors(_ language: LanguageDescription) -> [TensorRule] {
    let mixer = language.mixer
    var rules = [
      TensorRule(
        "language.embedding.weight", "backbone.embeddings.weight", .embedding,
        [language.vocabularySize, mixer.width])
    ]
    for index in 0..<language.layers {
      let (name, source) = ("language.layers.\(index)", "backbone.layers.\(index)")
      rules += normalization(name + ".normalization", source + ".norm", language)
      rules += tensors(of: mixer, name + ".mixer", source + ".mixer")
    }
    rules += normalization("language.normalization", "backbone.norm_f", language)
    if !language.hasTiedHead {
      rules.append(
        TensorRule(
          "language.head.weight", "lm_head.weight", .head,
          [language.vocabularySize, mixer.width]))
    }
    return rules
  }

  private static func normalization(
    _ name: String, _ source: String, _ language: LanguageDescription
  ) -> [TensorRule] {
    let parts = language.normalization == .rms ? ["weight"] : ["weight", "bias"]
    return parts.map {
      TensorRule("\(name).\($0)", "\(source).\($0)", .normalization, [language.mixer.width])
    }
  }

  /// The tensors of one mixer.
  static func tensors(
    of mixer: MambaMixerDescription, _ name: String, _ source: String
  ) -> [TensorRule] {
    let (width, inner, states) = (mixer.width, mixer.innerWidth, mixer.stateSize)
    let rank = mixer.timeStepRank
    func rule(_ part: String, _ sourcePart: String, _ role: TensorRole, _ shape: [Int])
      -> TensorRule
    {
      TensorRule("\(name).\(part)", "\(source).\(sourcePart)", role, shape)
    }
    var rules = [rule("inputProjection.weight", "in_proj.weight", .projection, [2 * inner, width])]
    if mixer.hasProjectionBias {
      rules.append(rule("inputProjection.bias", "in_proj.bias", .bias, [2 * inner]))
    }
    rules.append(
      rule("convolution.weight", "conv1d.weight", .convolution, [inner, 1, mixer.convolutionWidth]))
    if mixer.hasConvolutionBias {
      rules.append(rule("convolution.bias", "conv1d.bias", .bias, [inner]))
    }
    rules += [
      rule("scanProjection.weight", "x_proj.weight", .projection, [rank + 2 * states, inner]),
      rule("timeStepProjection.weight", "dt_proj.weight", .projection, [inner, rank]),
      rule("timeStepProjection.bias", "dt_proj.bias", .recurrence, [inner]),
      rule("logarithmicDecay", "A_log", .recurrence, [inner, states]),
      rule("skip", "D", .recurrence, [inner]),
      rule("outputProjection.weight", "out_proj.weight", .projection, [width, inner]),
    ]
    if mixer.hasProjectionBias {
      rules.append(rule("outputProjection.bias", "out_proj.bias", .bias, [width]))
    }
    return rules
  }

  /// Hugging Face's configuration; its classes have no layer normalization, so such a model keeps its own.
  func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON {
    guard let language = description.language, language.normalization == .rms else {
      return original
    }
    var members = layout == .huggingFace ? original.objectValue ?? [:] : [:]
    let mixer = language.mixer
    let sizes: [ExactString: JSON] = [
      "architectures": .array([.string("MambaForCausalLM")]),
      "model_type": .string("mamba"),
      "torch_dtype": .string("float32"),
      "hidden_size": .integer(Int64(mixer.width)),
      "intermediate_size": .integer(Int64(mixer.innerWidth)),
      "num_hidden_layers": .integer(Int64(language.layers)),
      "vocab_size": .integer(Int64(language.vocabularySize)),
      "state_size": .integer(Int64(mixer.stateSize)),
      "time_step_rank": .integer(Int64(mixer.timeStepRank)),
      "conv_kernel": .integer(Int64(mixer.convolutionWidth)),
      "use_bias": .bool(mixer.hasProjectionBias),
      "use_conv_bias": .bool(mixer.hasConvolutionBias),
      "layer_norm_epsilon": .number(language.epsilon),
      "tie_word_embeddings": .bool(language.hasTiedHead),
      "eos_token_id": language.endOfText.first.map { .integer(Int64($0)) } ?? .null,
    ]
    members.merge(sizes) { original, new in new }
    members["dtype"] = nil
    return .object(members)
  }
}
