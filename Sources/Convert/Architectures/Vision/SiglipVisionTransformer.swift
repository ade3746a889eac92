import Format
import Runtime

/// SigLIP's vision transformer in Hugging Face's layout, with or without pooling head or classifier. SigLIP 2 of fixed
/// resolution is the same; the variant for any resolution is another model.
struct SiglipVisionTransformer: VisionTower {
  let profile = "siglip-vit"
  let summary = "SigLIP vision encoder, with pooling head or classifier"
  let modelTypes = ["siglip", "siglip_vision_model"]
  let kind = VisionDescription.Kind.siglip
  let prefix = "vision_model."

  /// SigLIP 2 with images of any resolution, which cuts patches before the model and masks them.
  private static let anyResolution = ["siglip2", "siglip2_vision_model"]

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    let names = checkpoint.tensors.keys.map(\.text)
    let modelType = checkpoint.configuration.present("model_type")?.stringValue
    return (admits(checkpoint) || Self.anyResolution.contains(modelType ?? ""))
      && names.contains { $0.hasSuffix("embeddings.patch_embedding.weight") }
      && !names.contains {
        $0.hasSuffix("embeddings.class_embedding") || $0.contains("projector.")
      }
  }

  func standardPart(_ name: String) -> String? {
    name.hasSuffix("position_ids") ? nil : name
  }

  func describe(_ reader: inout CheckpointReader) throws -> ModelDescription {
    let modelType = reader.text("model_type", default: "siglip")
    try reader.require("model_type", modelType, among: modelTypes)
    let configuration = reader.configuration.present("vision_config") ?? reader.configuration
    var vision = try vision(&reader, prefix: prefix, configuration, grid: nil)
    vision.classes = try Self.classes(&reader)
    return ModelDescription(
      profile: profile, vision: [vision],
      imageProcessors: try ImageProcessorReader.read(reader.checkpoint))
  }

  func vision(
    _ reader: inout CheckpointReader, prefix: String, _ configuration: JSON, grid: PatchGrid?
  ) throws -> VisionDescription {
    let names = VisionTensorNames()
    var vision = try reader.encoder(
      kind, names, prefix: prefix, configuration, grid: grid, classPositions: 0,
      defaults: VisionDefaults(patchSize: 16, activation: .geluTanh, epsilon: 1e-6))
    vision.hasPoolingHead = reader.has(prefix + names.pooling.probe)
    return vision
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

  /// A classifier keeps its own configuration.
  func exportedModel(_ vision: VisionDescription) -> ExportedVisionModel? {
    guard vision.classes == nil else { return nil }
    return ExportedVisionModel(
      modelType: "siglip_vision_model", architecture: "SiglipVisionModel",
      members: [
        "intermediate_size": .integer(Int64(vision.feedForwardWidth)),
        "vision_use_head": .bool(vision.hasPoolingHead),
      ])
  }

  func names(_ vision: VisionDescription) -> VisionTensorNames { VisionTensorNames() }

  func tensors(_ description: ModelDescription) -> [TensorRule] {
    guard let vision = description.vision.first else { return [] }
    let rules = tensors(vision, name: "vision.0", prefix: prefix)
    guard let classes = vision.classes else { return rules }
    return rules + [
      TensorRule(
        "vision.0.classifier.weight", "classifier.weight", .head, [classes.count, vision.width]),
      TensorRule("vision.0.classifier.bias", "classifier.bias", .bias, [classes.count]),
    ]
  }
}
