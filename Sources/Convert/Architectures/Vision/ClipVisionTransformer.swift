import Format
import Runtime

/// CLIP's vision transformer in Hugging Face's layout, alone or out of a model for images and texts.
struct ClipVisionTransformer: VisionTower {
  let profile = "clip-vit"
  let summary = "CLIP vision encoder"
  let modelTypes = ["clip", "clip_vision_model"]
  let kind = VisionDescription.Kind.clip
  let prefix = "vision_model."
  var exportedModel: (type: String, architecture: String)? {
    ("clip_vision_model", "CLIPVisionModel")
  }

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
    let patch = prefix + names.patchEmbedding + ".weight"
    let patchSize = try reader.patchSize(patch, configuration, default: 32)
    let table = try reader.positionGrid(
      entries: reader.positionEntries(prefix + names.position).map { $0 - 1 }, configuration,
      patchSize: patchSize, defaultImageSize: 224, stated: grid)
    return VisionDescription(
      kind: kind,
      width: try reader.size(
        "width", shape: reader.dimension(patch, 0), keys: ["hidden_size"], in: configuration),
      feedForwardWidth: try reader.size(
        "feed-forward width",
        shape: reader.dimension(prefix + "encoder.layers.0.mlp.fc1.weight", 0),
        keys: ["intermediate_size"], in: configuration),
      layers: try reader.layers(
        prefix: prefix + names.layers, keys: ["num_hidden_layers"], in: configuration),
      heads: try reader.heads(configuration, default: 12),
      patchSize: patchSize, gridRows: grid?.rows ?? table.rows,
      gridColumns: grid?.columns ?? table.columns,
      activation: try reader.activation(configuration, default: .quickGelu),
      epsilon: try reader.number(["layer_norm_eps"], default: 1e-5, in: configuration),
      hasPatchBias: false, hasClassToken: true,
      positions: VisionPositionDescription(
        rows: table.rows, columns: table.columns, includesClassToken: true, interpolation: .bicubic
      ),
      hasPreNormalization: true, finalNormalization: .pooled)
  }

  func names(_ vision: VisionDescription) -> VisionTensorNames { VisionTensorNames() }
}
