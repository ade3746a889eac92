import Format
import Runtime

/// InternViT (arXiv:2312.14238), under the names of its own code and under those of Hugging Face's InternVL.
struct InternVisionTransformer: VisionTower {
  enum Layout { case own, huggingFace }

  let layout: Layout

  private var isOwn: Bool { layout == .own }

  var profile: String { isOwn ? "internvit" : "internvit-hf" }
  var summary: String { "InternViT vision encoder, \(isOwn ? "its own" : "Hugging Face") names" }
  var modelTypes: [String] { [isOwn ? "intern_vit_6b" : "internvl_vision"] }
  var kind: VisionDescription.Kind { isOwn ? .internvit : .internvitNative }
  let prefix = ""
  var otherPrefixes: [String] {
    isOwn ? ["vision_model."] : ["model.vision_tower.", "vision_tower."]
  }

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    let part = isOwn ? ".attn.qkv.weight" : ".lambda_1"
    return admits(checkpoint)
      && checkpoint.tensors.keys.contains {
        $0.text.contains("encoder.layer") && $0.text.hasSuffix(part)
      }
  }

  /// The mask token stands for patches that are hidden in training.
  func standardPart(_ name: String) -> String? {
    name == "embeddings.mask_token" ? nil : name
  }

  func vision(
    _ reader: inout CheckpointReader, prefix: String, _ configuration: JSON, grid: PatchGrid?
  ) throws -> VisionDescription {
    guard
      try reader.flag(["use_absolute_position_embeddings"], default: true, in: configuration)
    else {
      throw ConvertError.unsupported(
        option: "use_absolute_position_embeddings", found: "false", supported: "true",
        file: reader.configurationFile)
    }
    let names = names
    let layer = prefix + names.layers + "0."
    var vision = try reader.encoder(
      kind, names, prefix: prefix, configuration, grid: grid, classPositions: 1,
      defaults: VisionDefaults(
        patchSize: 14, imageSize: isOwn ? 224 : 448, heads: isOwn ? 25 : 16, activation: .gelu,
        epsilon: 1e-6))
    vision.hasClassToken = true
    vision.layer.hasScale = true
    vision.layer.normalization = try normalization(
      &reader, layer + names.layer.attentionNormalization, configuration)
    vision.layer.projections = isOwn ? .fused : .separate
    vision.layer.hasProjectionBias = try reader.hasBias(
      layer + (isOwn ? names.layer.input : names.layer.query),
      key: isOwn ? "qkv_bias" : "attention_bias", configuration, default: false)
    if reader.has(layer + names.layer.queryNormalization + ".weight") {
      // Hugging Face's class leaves the epsilon of this norm at its default.
      vision.layer.queryKeyEpsilon = isOwn ? vision.epsilon : 1e-6
    }
    vision.finalNormalization =
      reader.has(prefix + names.finalNormalization + ".weight") ? .tokens : .none
    return vision
  }

  /// The normalization of layers; a shift tells which it is.
  private func normalization(
    _ reader: inout CheckpointReader, _ name: String, _ configuration: JSON
  ) throws -> NormalizationKind {
    let stated = reader.text(
      "norm_type", default: isOwn ? "rms_norm" : "layer_norm", in: configuration)
    try reader.require("norm_type", stated, among: ["layer_norm", "rms_norm"])
    let kind: NormalizationKind = stated == "rms_norm" ? .rms : .layer
    guard reader.has(name + ".weight") else { return kind }
    let found: NormalizationKind = reader.has(name + ".bias") ? .layer : .rms
    if found != kind, configuration.present("norm_type") != nil {
      reader.note("config.json says norm_type \(stated), the tensors say \(found.rawValue)")
    }
    return found
  }

  /// The own code is not a part of transformers.
  func exportedModel(_ vision: VisionDescription) -> ExportedVisionModel? {
    guard !isOwn else { return nil }
    return ExportedVisionModel(
      modelType: modelTypes[0], architecture: "InternVLVisionModel",
      members: [
        "intermediate_size": .integer(Int64(vision.feedForwardWidth)),
        "attention_bias": .bool(vision.layer.hasProjectionBias),
        "use_qk_norm": .bool(vision.layer.queryKeyEpsilon != nil),
        "norm_type": .string(vision.layer.normalization == .rms ? "rms_norm" : "layer_norm"),
        "use_mean_pooling": .bool(vision.finalNormalization == .none),
        "use_mask_token": .bool(false),
      ])
  }

  func names(_ vision: VisionDescription) -> VisionTensorNames { names }

  private var names: VisionTensorNames { isOwn ? ownNames : huggingFaceNames }

  private var ownNames: VisionTensorNames {
    var names = VisionTensorNames()
    names.classTokenDimensions = 2
    names.position = "embeddings.position_embedding"
    names.isPositionBatched = true
    names.layer.attentionNormalization = "norm1"
    names.layer.attentionOutput = "attn.proj"
    names.layer.feedForwardNormalization = "norm2"
    return names
  }

  private var huggingFaceNames: VisionTensorNames {
    var names = VisionTensorNames()
    names.classToken = "embeddings.cls_token"
    names.classTokenDimensions = 2
    names.patchEmbedding = "embeddings.patch_embeddings.projection"
    names.position = "embeddings.position_embeddings"
    names.isPositionBatched = true
    names.layers = "encoder.layer."
    names.finalNormalization = "layernorm"
    names.layer = VisionTensorNames.Layer(
      attentionNormalization: "layernorm_before", query: "attention.q_proj",
      key: "attention.k_proj", value: "attention.v_proj",
      attentionOutput: "attention.projection_layer", queryNormalization: "attention.q_norm",
      keyNormalization: "attention.k_norm", attentionScale: "lambda_1",
      feedForwardNormalization: "layernorm_after", feedForwardScale: "lambda_2")
    return names
  }
}
