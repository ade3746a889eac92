import Format
import Runtime

/// Vision transformers of timm: DINOv2 with registers or without, SigLIP, CLIP.
///
/// timm's configurations name an architecture and leave the rest to code, so what shapes do not tell comes from the
/// name: see `TimmArchitecture`.
struct TimmVisionTransformer: VisionTower {
  let profile = "timm-vit"
  let summary = "timm vision transformer: DINOv2, SigLIP or CLIP"
  let modelTypes = [String]()
  let kind = VisionDescription.Kind.timm
  let prefix = ""

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    admits(checkpoint) && checkpoint.tensors[ExactString("blocks.0.attn.qkv.weight")] != nil
  }

  /// A classifier has no use here.
  func standardPart(_ name: String) -> String? { name.hasPrefix("head.") ? nil : name }

  func describe(_ reader: inout CheckpointReader) throws -> ModelDescription {
    let vision = try vision(&reader, prefix: prefix, reader.configuration, grid: nil)
    let own = try ImageProcessorReader.read(reader.checkpoint)
    return ModelDescription(
      profile: profile, vision: [vision],
      imageProcessors: own.isEmpty ? try TimmImageProcessor.read(reader) : own)
  }

  /// - Parameter configuration: timm's config.json; `architecture` is what matters.
  func vision(
    _ reader: inout CheckpointReader, prefix: String, _ configuration: JSON, grid: PatchGrid?
  ) throws -> VisionDescription {
    let architecture = TimmArchitecture(configuration)
    try refuseUnsupported(reader, prefix, configuration)
    let hasClassToken = reader.has(prefix + "cls_token")
    let isPreNormalized = reader.has(prefix + "norm_pre.weight")
    var vision = try reader.encoder(
      kind, names, prefix: prefix, try architecture.sizes(reader.configurationFile), grid: grid,
      classPositions: classPositions(reader, prefix, hasClassToken: hasClassToken),
      defaults: VisionDefaults(
        patchSize: 16, activation: architecture.activation,
        epsilon: isPreNormalized ? 1e-5 : 1e-6))
    vision.hasPatchBias = reader.has(prefix + "patch_embed.proj.bias")
    vision.hasClassToken = hasClassToken
    vision.registers = reader.dimension(prefix + "reg_token", 1) ?? 0
    vision.positions.interpolation = .antialiasedBicubic
    vision.hasPreNormalization = isPreNormalized
    vision.layer.projections = .fused
    vision.layer.hasProjectionBias = reader.has(prefix + "blocks.0.attn.qkv.bias")
    vision.layer.hasScale = reader.has(prefix + "blocks.0.ls1.gamma")
    let rows = reader.dimension(prefix + "blocks.0.mlp.fc1.weight", 0) ?? 0
    if rows.isMultiple(of: 2), rows / 2 == vision.feedForwardWidth {
      vision.layer.feedForward = .gated
      vision.activation = .silu
    }
    vision.hasPoolingHead = reader.has(prefix + names.pooling.probe)
    vision.poolingProjections = .fusedKeyValue
    return vision
  }

  /// Positions of a class token. With registers they are for patches alone; sizes of squares tell.
  private func classPositions(
    _ reader: CheckpointReader, _ prefix: String, hasClassToken: Bool
  ) -> Int {
    guard hasClassToken, let entries = reader.positionEntries(prefix + "pos_embed") else {
      return 0
    }
    let root = Int(Double(max(0, entries)).squareRoot().rounded())
    return PatchGrid.sides.contains(root) && root * root == entries ? 0 : 1
  }

  private func refuseUnsupported(
    _ reader: CheckpointReader, _ prefix: String, _ configuration: JSON
  ) throws {
    for (option, tensor) in [
      ("fc_norm", "fc_norm.weight"), ("qk_norm", "blocks.0.attn.q_norm.weight"),
    ] where reader.has(prefix + tensor) {
      throw ConvertError.unsupported(
        option: option, found: "in the tensors", supported: "a model without it",
        file: reader.configurationFile)
    }
    if reader.has(prefix + "cls_token") {
      try reader.require(
        "global_pool", reader.text("global_pool", default: "token", in: configuration),
        among: ["token", ""])
    }
  }

  func names(_ vision: VisionDescription) -> VisionTensorNames { names }

  private var names: VisionTensorNames {
    var names = VisionTensorNames()
    names.classToken = "cls_token"
    names.classTokenDimensions = 2
    names.registers = "reg_token"
    names.patchEmbedding = "patch_embed.proj"
    names.position = "pos_embed"
    names.isPositionBatched = true
    names.preNormalization = "norm_pre"
    names.layers = "blocks."
    names.finalNormalization = "norm"
    names.layer = VisionTensorNames.Layer(
      attentionNormalization: "norm1", attentionOutput: "attn.proj", attentionScale: "ls1.gamma",
      feedForwardNormalization: "norm2", feedForwardScale: "ls2.gamma")
    names.pooling = VisionTensorNames.Pooling(
      probe: "attn_pool.latent", query: "attn_pool.q", keyValue: "attn_pool.kv",
      attentionOutput: "attn_pool.proj", normalization: "attn_pool.norm",
      feedForwardInput: "attn_pool.mlp.fc1", feedForwardOutput: "attn_pool.mlp.fc2")
    return names
  }
}
