import Format
import Runtime

/// SigLIP's vision transformer alone, with or without pooling head or classifier, in Hugging Face's layout.
struct SiglipVisionTransformer: Architecture {
  let profile = "siglip-vit"
  let summary = "SigLIP vision encoder, with pooling head or classifier"
  let modelTypes = ["siglip", "siglip_vision_model"]

  private static let prefix = "vision_model."

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    guard let modelType = checkpoint.configuration["model_type"]?.stringValue,
      modelTypes.contains(modelType)
    else { return false }
    return checkpoint.tensors.keys.contains {
      $0.text.hasSuffix("embeddings.patch_embedding.weight")
    }
  }

  func standardName(_ name: String, in checkpoint: Checkpoint) -> String? {
    let name = name.hasPrefix("module.") ? String(name.dropFirst("module.".count)) : name
    // The text half of a full SigLIP has no use here.
    if name.hasPrefix("text_model.") || name == "logit_scale" || name == "logit_bias" { return nil }
    if name.hasPrefix("classifier.") { return name }
    return Self.standardName(name, prefix: Self.prefix)
  }

  /// Puts the usual prefix before the names of a tower; nothing for buffers.
  static func standardName(_ name: String, prefix: String) -> String? {
    if name.hasSuffix("position_ids") { return nil }
    return name.hasPrefix(Self.prefix)
      ? prefix + name.dropFirst(Self.prefix.count) : prefix + name
  }

  func describe(_ reader: inout CheckpointReader) throws -> ModelDescription {
    let configuration = reader.configuration.present("vision_config") ?? reader.configuration
    var vision = try Self.vision(&reader, prefix: Self.prefix, configuration, grid: nil)
    vision.classes = try Self.classes(&reader)
    return ModelDescription(
      profile: profile, vision: [vision],
      imageProcessor: try ImageProcessorReader.read(reader.checkpoint))
  }

  /// The tower of a checkpoint, alone or as a part of a larger one.
  ///
  /// - Parameter grid: rows and columns of patches where the model states them.
  static func vision(
    _ reader: inout CheckpointReader, prefix: String, _ configuration: JSON,
    grid: (rows: Int, columns: Int)?
  ) throws -> VisionDescription {
    let activation = reader.text(
      "hidden_act", default: "gelu_pytorch_tanh", in: configuration)
    try reader.require(
      "hidden_act", activation, among: Activation.allCases.map(\.rawValue))
    let patch = prefix + "embeddings.patch_embedding.weight"
    let patchSize = try reader.size(
      "patch size", shape: reader.dimension(patch, 3), keys: ["patch_size"], in: configuration)
    let grid = try grid ?? squareGrid(&reader, prefix, configuration, patchSize: patchSize)
    return VisionDescription(
      kind: .siglip,
      width: try reader.size(
        "width", shape: reader.dimension(patch, 0), keys: ["hidden_size"], in: configuration),
      feedForwardWidth: try reader.size(
        "feed-forward width",
        shape: reader.dimension(prefix + "encoder.layers.0.mlp.fc1.weight", 0),
        keys: ["intermediate_size"], in: configuration),
      layers: try reader.layers(
        prefix: prefix + "encoder.layers.", keys: ["num_hidden_layers"], in: configuration),
      heads: try reader.size(
        "number of heads", shape: nil, keys: ["num_attention_heads"], in: configuration),
      patchSize: patchSize, gridRows: grid.rows, gridColumns: grid.columns,
      activation: Activation(rawValue: activation) ?? .geluTanh,
      epsilon: try reader.number(["layer_norm_eps"], default: 1e-6, in: configuration),
      hasPoolingHead: reader.has(prefix + "head.probe"))
  }

  private static func squareGrid(
    _ reader: inout CheckpointReader, _ prefix: String, _ configuration: JSON, patchSize: Int
  ) throws -> (rows: Int, columns: Int) {
    let side =
      try reader.size(
        "image size", shape: nil, keys: ["image_size"], in: configuration) / max(1, patchSize)
    let position = prefix + "embeddings.position_embedding.weight"
    guard let patches = reader.dimension(position, 0), side < 1 << 16, patches != side * side else {
      return (side, side)
    }
    let found = Int(Double(patches).squareRoot().rounded())
    guard found * found == patches else {
      throw ConvertError.unsupported(
        option: "position table", found: "\(patches) entries", supported: "a square grid",
        file: reader.configurationFile)
    }
    reader.note(
      "config.json says a grid of \(side) × \(side) patches, the tensors say \(found) × \(found): the latter is used"
    )
    return (found, found)
  }

  /// Class names in the order of the classifier's outputs.
  private static func classes(_ reader: inout CheckpointReader) throws -> [String]? {
    guard let count = reader.dimension("classifier.weight", 0) else { return nil }
    guard let labels = reader.configuration.present("id2label")?.objectValue else {
      return (0..<min(count, 1 << 20)).map { "LABEL_\($0)" }
    }
    return try (0..<min(count, 1 << 20)).map { index in
      guard let label = labels[ExactString(String(index))]?.stringValue else {
        throw ConvertError.malformedConfiguration(
          file: reader.configurationFile, key: "id2label",
          expected: "names for the \(count) outputs of classifier.weight")
      }
      return label
    }
  }

  func tensors(_ description: ModelDescription) -> [TensorRule] {
    guard let vision = description.vision.first else { return [] }
    var rules = Self.tensors(vision, "vision.0", Self.prefix)
    if let classes = vision.classes {
      rules += [
        TensorRule(
          "vision.0.classifier.weight", "classifier.weight", .head, [classes.count, vision.width]),
        TensorRule("vision.0.classifier.bias", "classifier.bias", .bias, [classes.count]),
      ]
    }
    return rules
  }

  /// The tensors of a tower, alone or as a part of a larger one.
  static func tensors(
    _ vision: VisionDescription, _ name: String, _ prefix: String
  ) -> [TensorRule] {
    let (width, patchSize) = (vision.width, vision.patchSize)
    let embeddings = prefix + "embeddings."
    var rules = [
      TensorRule(
        "\(name).patchEmbedding.weight", embeddings + "patch_embedding.weight", .convolution,
        [width, 3, patchSize, patchSize]),
      TensorRule(
        "\(name).patchEmbedding.bias", embeddings + "patch_embedding.bias", .bias, [width]),
      TensorRule(
        "\(name).position", embeddings + "position_embedding.weight", .position,
        [vision.gridRows * vision.gridColumns, width]),
    ]
    for index in 0..<vision.layers {
      rules += layer(vision, "\(name).layers.\(index)", "\(prefix)encoder.layers.\(index)")
    }
    rules += normalization("\(name).normalization", prefix + "post_layernorm", width)
    if vision.hasPoolingHead { rules += pooling(vision, "\(name).pooling", prefix + "head") }
    return rules
  }

  private static func layer(
    _ vision: VisionDescription, _ name: String, _ source: String
  ) -> [TensorRule] {
    let width = vision.width
    let projections = [
      ("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj"), ("output", "out_proj"),
    ]
    return normalization("\(name).attentionNormalization", source + ".layer_norm1", width)
      + projections.flatMap {
        projection("\(name).attention.\($0)", "\(source).self_attn.\($1)", [width, width])
      }
      + normalization("\(name).feedForwardNormalization", source + ".layer_norm2", width)
      + feedForward(vision, "\(name).feedForward", source + ".mlp")
  }

  private static func pooling(
    _ vision: VisionDescription, _ name: String, _ source: String
  ) -> [TensorRule] {
    let width = vision.width
    return [
      TensorRule("\(name).probe", source + ".probe", .position, [1, 1, width]),
      TensorRule(
        "\(name).attention.input.weight", source + ".attention.in_proj_weight", .projection,
        [3 * width, width]),
      TensorRule(
        "\(name).attention.input.bias", source + ".attention.in_proj_bias", .bias, [3 * width]),
    ] + projection("\(name).attention.output", source + ".attention.out_proj", [width, width])
      + normalization("\(name).normalization", source + ".layernorm", width)
      + feedForward(vision, "\(name).feedForward", source + ".mlp")
  }

  private static func feedForward(
    _ vision: VisionDescription, _ name: String, _ source: String
  ) -> [TensorRule] {
    projection("\(name).input", source + ".fc1", [vision.feedForwardWidth, vision.width])
      + projection("\(name).output", source + ".fc2", [vision.width, vision.feedForwardWidth])
  }

  /// A projection with a bias.
  static func projection(_ name: String, _ source: String, _ shape: [Int]) -> [TensorRule] {
    [
      TensorRule(name + ".weight", source + ".weight", .projection, shape),
      TensorRule(name + ".bias", source + ".bias", .bias, [shape[0]]),
    ]
  }

  /// A normalization with scale and shift.
  static func normalization(_ name: String, _ source: String, _ width: Int) -> [TensorRule] {
    ["weight", "bias"].map {
      TensorRule("\(name).\($0)", "\(source).\($0)", .normalization, [width])
    }
  }

  func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON {
    var members = original.objectValue ?? [:]
    members["torch_dtype"] = .string("float32")
    members["dtype"] = nil
    return .object(members)
  }
}
