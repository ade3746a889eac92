import Format
import Runtime

/// CLIP's vision transformer in Hugging Face's layout, alone or out of a model for images and texts.
struct ClipVisionTransformer: VisionTower {
  let profile = "clip-vit"
  let summary = "CLIP vision encoder"
  let modelTypes = ["clip", "clip_vision_model"]
  let kind = VisionDescription.Kind.clip
  let prefix = "vision_model."
  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    admits(checkpoint)
      && checkpoint.tensors.keys.contains { $0.text.hasSuffix("pre_layrnorm.weight") }
  }

  func standardPart(_ name: String) -> String? {
    name.hasSuffix("position_ids") ? nil : name
  }

  func vision(
    _ reader: inout CheckpointReader, prefix: String, _ configuration: JSON, grid: PatchGrid?
  ) throws -> VisionDescription {
    let names = VisionTensorNames()
    var vision = try reader.encoder(
      kind, names, prefix: prefix, configuration, grid: grid, classPositions: 1,
      defaults: VisionDefaults(patchSize: 32, activation: .quickGelu, epsilon: 1e-5))
    vision.hasPatchBias = false
    vision.hasClassToken = true
    vision.hasPreNormalization = true
    vision.finalNormalization = .pooled
    return vision
  }

  func exportedModel(_ vision: VisionDescription) -> ExportedVisionModel? {
    ExportedVisionModel(
      modelType: "clip_vision_model", architecture: "CLIPVisionModel",
      members: ["intermediate_size": .integer(Int64(vision.feedForwardWidth))])
  }

  func names(_ vision: VisionDescription) -> VisionTensorNames { VisionTensorNames() }
}
