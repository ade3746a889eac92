import Format
import Runtime

/// What all Mamba language models have in common: names, embedding, normalizations, head.
enum MambaLanguage {
  /// Reads the widths of a mixer from its tensors below `prefix`.
  typealias MixerReader =
    @Sendable (
      _ reader: inout CheckpointReader, _ prefix: String, _ width: Int
    ) throws -> MixerDescription

  /// Takes off what wrappers put in front of names.
  static func strip(_ name: String) -> String {
    var name = Substring(name)
    for prefix in ["module.", "_orig_mod.", "language_model."] where name.hasPrefix(prefix) {
      name = name.dropFirst(prefix.count)
    }
    for kept in ["backbone.", "lm_head."] where name.hasPrefix("model." + kept) {
      name = name.dropFirst("model.".count)
    }
    return String(name)
  }

  /// The names that Hugging Face uses.
  static func standardName(_ name: String) -> String {
    let stripped = strip(name)
    return stripped == "backbone.embedding.weight" ? "backbone.embeddings.weight" : stripped
  }

  /// The language model of a checkpoint, alone or as a part of a larger one.
  ///
  /// - Parameters:
  ///   - isTiedByDefault: whether the head is the embedding where a checkpoint has both and the configuration is silent.
  ///   - mixer: reads the widths of the mixers, which are the same in all layers.
  static func language(
    _ reader: inout CheckpointReader, isTiedByDefault: Bool, mixer: MixerReader
  ) throws -> LanguageDescription {
    try reader.require(
      "hidden_act", reader.text("hidden_act", default: "silu"), among: ["silu", "swish"])
    let feedForward = try reader.integer(["d_intermediate"])?.value ?? 0
    guard feedForward == 0 else {
      throw ConvertError.unsupported(
        option: "d_intermediate", found: String(feedForward), supported: "0",
        file: reader.configurationFile)
    }
    let embedding = "backbone.embeddings.weight"
    let width = try reader.size(
      "width", shape: reader.dimension(embedding, 1), keys: ["hidden_size", "d_model", "dim"])
    let layers = try reader.layers(
      prefix: "backbone.layers.", keys: ["num_hidden_layers", "n_layer", "n_layers"])
    let layer = LayerDescription(mixer: try mixer(&reader, "backbone.layers.0.mixer.", width))
    return LanguageDescription(
      width: width, layers: [LayerDescription](repeating: layer, count: layers),
      vocabularySize: try vocabulary(&reader, rows: reader.dimension(embedding, 0)),
      normalization: reader.has("backbone.norm_f.bias") ? .layer : .rms,
      epsilon: try reader.number(["layer_norm_epsilon", "norm_epsilon"], default: 1e-5),
      hasTiedHead: try isTied(&reader, byDefault: isTiedByDefault),
      endOfText: try endOfText(reader))
  }

  /// Embedding rows; the state-spaces configuration states them without padding.
  private static func vocabulary(
    _ reader: inout CheckpointReader, rows: Int?
  ) throws -> Int {
    let accepted = 1...ModelDescription.sizeLimit
    guard let multiple = try reader.integer(["pad_vocab_size_multiple"])?.value,
      let stated = try reader.integer(["vocab_size"])?.value,
      accepted.contains(multiple), accepted.contains(stated)
    else { return try reader.size("vocabulary size", shape: rows, keys: ["vocab_size"]) }
    let padded = (stated + multiple - 1) / multiple * multiple
    if let rows, rows != padded, rows != stated {
      reader.note(
        "config.json says vocab_size \(stated) padded to a multiple of \(multiple), the tensors say \(rows): \(rows) is used"
      )
    }
    return rows ?? padded
  }

  /// Whether the head is the embedding: no head tensor, or a configuration that ties them.
  private static func isTied(
    _ reader: inout CheckpointReader, byDefault fallback: Bool
  ) throws -> Bool {
    guard let head = reader.tensors["lm_head.weight"] else { return true }
    guard try reader.flag(["tie_word_embeddings", "tie_embeddings"], default: fallback) else {
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

  /// The tensors of a language model, alone or as a part of a larger one.
  static func tensors(_ language: LanguageDescription) -> [TensorRule] {
    var rules = [
      TensorRule(
        "language.embedding.weight", "backbone.embeddings.weight", .embedding,
        [language.vocabularySize, language.width])
    ]
    for (index, layer) in language.layers.enumerated() {
      let (name, source) = ("language.layers.\(index)", "backbone.layers.\(index)")
      rules += normalization(name + ".normalization", source + ".norm", language)
      rules += tensors(of: layer.mixer, name + ".mixer", source + ".mixer")
    }
    rules += normalization("language.normalization", "backbone.norm_f", language)
    if !language.hasTiedHead {
      rules.append(
        TensorRule(
          "language.head.weight", "lm_head.weight", .head,
          [language.vocabularySize, language.width]))
    }
    return rules
  }

  private static func tensors(
    of mixer: MixerDescription, _ name: String, _ source: String
  ) -> [TensorRule] {
    switch mixer {
    case .mamba(let mixer): MambaOne.tensors(of: mixer, name, source)
    case .mamba2(let mixer): MambaTwo.tensors(of: mixer, name, source)
    }
  }

  private static func normalization(
    _ name: String, _ source: String, _ language: LanguageDescription
  ) -> [TensorRule] {
    let parts = language.normalization == .rms ? ["weight"] : ["weight", "bias"]
    return parts.map {
      TensorRule("\(name).\($0)", "\(source).\($0)", .normalization, [language.width])
    }
  }

  /// Whether an input or convolution bias exists; the tensors decide.
  static func hasBias(
    _ reader: inout CheckpointReader, _ prefix: String, _ part: String, keys: [String],
    default fallback: Bool, in object: JSON
  ) throws -> Bool {
    let stated = try reader.flag(keys, default: fallback, in: object)
    let found = reader.has("\(prefix)\(part).bias")
    if stated != found, reader.has("\(prefix)\(part).weight") {
      reader.note(
        "config.json says \(keys[0]) \(stated), the tensors say \(found): \(found) is used")
    }
    return found
  }

  /// The members of Hugging Face's configurations that all Mamba classes share.
  ///
  /// These classes know no layer normalization; a model with one keeps the configuration it came with.
  static func exportedConfiguration(
    _ language: LanguageDescription, original: JSON, keepingMembers: Bool, architecture: String,
    modelType: String, mixer: [ExactString: JSON]
  ) -> JSON {
    guard language.normalization == .rms else { return original }
    var members = keepingMembers ? original.objectValue ?? [:] : [:]
    members.merge(mixer) { _, new in new }
    members["architectures"] = .array([.string(architecture)])
    members["model_type"] = .string(modelType)
    members["torch_dtype"] = .string("float32")
    members["dtype"] = nil
    members["hidden_size"] = .integer(Int64(language.width))
    members["num_hidden_layers"] = .integer(Int64(language.layers.count))
    members["vocab_size"] = .integer(Int64(language.vocabularySize))
    members["layer_norm_epsilon"] = .number(language.epsilon)
    members["tie_word_embeddings"] = .bool(language.hasTiedHead)
    members["eos_token_id"] = exportedEnds(language.endOfText)
    return .object(members)
  }

  /// One id alone, several as a list.
  private static func exportedEnds(_ ids: [Int]) -> JSON {
    let ids = ids.map { JSON.integer(Int64($0)) }
    return ids.count == 1 ? ids[0] : .array(ids)
  }
}
