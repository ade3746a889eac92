import Format
import Runtime

/// A family of vision encoders: an architecture of its own, and a part of larger ones.
///
/// Larger models ask `VisionTowers` for the family of their encoder, put a prefix of their own before its names, and
/// leave the rest to it.
protocol VisionTower: Architecture {
  /// The family.
  var kind: VisionDescription.Kind { get }

  /// What stands before the names of an encoder, alone and within a larger model, in standard spelling.
  var prefix: String { get }

  /// Other prefixes that checkpoints of encoders have.
  var otherPrefixes: [String] { get }

  /// What transformers calls the encoder and needs to know of it, if it has the family.
  func exportedModel(_ vision: VisionDescription) -> ExportedVisionModel?

  /// The standard spelling of a name without any prefix; nothing for a tensor without use.
  func standardPart(_ name: String) -> String?

  /// The encoder that tensors below a prefix and a configuration describe.
  ///
  /// - Parameter grid: rows and columns of patches where the model states them.
  func vision(
    _ reader: inout CheckpointReader, prefix: String, _ configuration: JSON, grid: PatchGrid?
  ) throws -> VisionDescription

  /// What the family calls its tensors.
  func names(_ vision: VisionDescription) -> VisionTensorNames
}

/// An encoder as transformers has it.
struct ExportedVisionModel {
  /// `model_type`.
  let modelType: String
  /// The class.
  let architecture: String
  /// Members of the configuration that only this family has.
  var members = [ExactString: JSON]()
}

extension VisionTower {
  func exportedModel(_ vision: VisionDescription) -> ExportedVisionModel? { nil }

  var otherPrefixes: [String] { [] }

  func standardPart(_ name: String) -> String? { name }

  /// The standard spelling of a name of a tower, whose own prefix may be missing.
  ///
  /// - Parameter outer: what the larger model puts before the names of its tower.
  func standardName(tower name: some StringProtocol, outer: String = "") -> String? {
    var part = Substring(name)
    if let prefix = ([prefix] + otherPrefixes).first(where: { !$0.isEmpty && part.hasPrefix($0) }) {
      part = part.dropFirst(prefix.count)
    }
    return standardPart(String(part)).map { outer + prefix + $0 }
  }

  func standardName(_ name: String, in checkpoint: Checkpoint) -> String? {
    let name = CheckpointNames.unwrapped(name)
    // The text half of a model for images and texts has no use here.
    let isOfText =
      ["text_model.", "text_projection.", "visual_projection."].contains(where: name.hasPrefix)
      || name == "logit_scale" || name == "logit_bias"
    if isOfText { return nil }
    return name.hasPrefix("classifier.") ? name : standardName(tower: name)
  }

  func describe(_ reader: inout CheckpointReader) throws -> ModelDescription {
    let configuration = reader.configuration.present("vision_config") ?? reader.configuration
    return ModelDescription(
      profile: profile,
      vision: [try vision(&reader, prefix: prefix, configuration, grid: nil)],
      imageProcessors: try ImageProcessorReader.read(reader.checkpoint))
  }

  func tensors(_ description: ModelDescription) -> [TensorRule] {
    description.vision.first.map { tensors($0, name: "vision.0", prefix: prefix) } ?? []
  }

  /// The tensors of a tower, alone or as a part of a larger model.
  func tensors(_ vision: VisionDescription, name: String, prefix: String) -> [TensorRule] {
    VisionTensorRules.rules(vision, names(vision), name: name, prefix: prefix)
  }

  /// Whether the configuration leaves it open or says that the model is of this family.
  func admits(_ checkpoint: Checkpoint) -> Bool {
    guard let modelType = checkpoint.configuration.present("model_type")?.stringValue else {
      return true
    }
    return modelTypes.contains(modelType)
  }

  func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON {
    var members = original.objectValue ?? [:]
    if let vision = description.vision.first, let exported = exportedModel(vision) {
      members = original.present("vision_config")?.objectValue ?? members
      members["model_type"] = .string(exported.modelType)
      members["architectures"] = .array([.string(exported.architecture)])
      members.merge(exportedSizes(vision, members)) { _, new in new }
      members.merge(exported.members) { _, new in new }
    }
    members["torch_dtype"] = .string("float32")
    members["dtype"] = nil
    return .object(members)
  }

  /// Sizes that shapes have decided, or that only a default stated.
  private func exportedSizes(
    _ vision: VisionDescription, _ members: [ExactString: JSON]
  ) -> [ExactString: JSON] {
    var sizes: [ExactString: JSON] = [
      "hidden_size": .integer(Int64(vision.width)),
      "num_hidden_layers": .integer(Int64(vision.layers)),
      "num_attention_heads": .integer(Int64(vision.heads)),
      "hidden_act": .string(vision.activation.rawValue),
      "layer_norm_eps": .number(vision.epsilon),
    ]
    if members["patch_size"]?.arrayValue == nil {
      sizes["patch_size"] = .integer(Int64(vision.patchSize))
    }
    if members["image_size"]?.arrayValue == nil {
      let stated = members["image_size"]?.intValue
      let (rows, side) = (vision.positions.rows, vision.patchSize)
      sizes["image_size"] = .integer(
        Int64(stated.map { $0 / side == rows ? $0 : rows * side } ?? rows * side))
    }
    return sizes
  }
}

/// The families of vision encoders among the architectures.
enum VisionTowers {
  /// All of them.
  static var all: [any VisionTower] { Architectures.all.compactMap { $0 as? any VisionTower } }

  /// The family of an encoder; every kind has one.
  static func of(_ kind: VisionDescription.Kind) -> (any VisionTower)? {
    all.first { $0.kind == kind }
  }

  /// The family with that `model_type`.
  static func of(modelType: String) -> (any VisionTower)? {
    all.first { $0.modelTypes.contains(modelType) }
  }
}
