import Format
import Runtime

/// DINOv2 in Hugging Face's layout, with registers or without.
struct DinoVisionTransformer: VisionTower {
  let hasRegisters: Bool

  var profile: String { hasRegisters ? "dinov2-reg" : "dinov2" }
  var summary: String { "DINOv2 vision encoder" + (hasRegisters ? " with registers" : "") }
  var modelTypes: [String] { [hasRegisters ? "dinov2_with_registers" : "dinov2"] }
  let kind = VisionDescription.Kind.dinov2
  let prefix = ""
  let otherPrefixes = ["dinov2.", "dinov2_with_registers."]

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    let names = checkpoint.tensors.keys.map(\.text)
    return admits(checkpoint) && names.contains { $0.hasSuffix(".layer_scale1.lambda1") }
      && names.contains { $0.hasSuffix("register_tokens") } == hasRegisters
  }

  /// The mask token stands for patches that are hidden in training.
  func standardPart(_ name: String) -> String? {
    name == "embeddings.mask_token" ? nil : name
  }

  func vision(
    _ reader: inout CheckpointReader, prefix: String, _ configuration: JSON, grid: PatchGrid?
  ) throws -> VisionDescription {
    let isGated = try isGated(&reader, prefix, configuration)
    let names = names(isGated: isGated)
    var vision = try reader.encoder(
      kind, names, prefix: prefix, configuration, grid: grid, classPositions: 1,
      defaults: VisionDefaults(
        patchSize: hasRegisters ? 16 : 14, activation: .gelu, epsilon: 1e-6))
    vision.hasClassToken = true
    vision.registers = hasRegisters ? try registers(&reader, prefix, configuration) : 0
    // The class with registers is the one that resamples positions with antialiasing.
    vision.positions.interpolation = hasRegisters ? .antialiasedBicubic : .bicubic
    vision.layer.hasScale = true
    vision.layer.hasProjectionBias = try reader.hasBias(
      prefix + "encoder.layer.0.attention.attention.query", key: "qkv_bias", configuration,
      default: true)
    if isGated {
      vision.layer.feedForward = .gated
      vision.activation = .silu
    }
    return vision
  }

  /// Whether feed-forward layers are gated; the tensors decide.
  private func isGated(
    _ reader: inout CheckpointReader, _ prefix: String, _ configuration: JSON
  ) throws -> Bool {
    let stated = try reader.flag(["use_swiglu_ffn"], default: false, in: configuration)
    let layer = prefix + "encoder.layer.0.mlp."
    let found =
      reader.has(layer + "weights_in.weight")
      ? true : reader.has(layer + "fc1.weight") ? false : stated
    if found != stated {
      reader.note("config.json says use_swiglu_ffn \(stated), the tensors say \(found)")
    }
    return found
  }

  private func registers(
    _ reader: inout CheckpointReader, _ prefix: String, _ configuration: JSON
  ) throws -> Int {
    try reader.size(
      "number of registers",
      shape: reader.dimension(prefix + "embeddings.register_tokens", 1),
      keys: ["num_register_tokens"], in: configuration)
  }

  func exportedModel(_ vision: VisionDescription) -> ExportedVisionModel? {
    var members: [ExactString: JSON] = [
      "qkv_bias": .bool(vision.layer.hasProjectionBias),
      "use_swiglu_ffn": .bool(vision.layer.feedForward == .gated),
      "use_mask_token": .bool(false),
    ]
    // The activation of the plain kind is stated even where it has no use.
    if vision.layer.feedForward == .gated { members["hidden_act"] = .string("gelu") }
    if hasRegisters { members["num_register_tokens"] = .integer(Int64(vision.registers)) }
    return ExportedVisionModel(
      modelType: modelTypes[0],
      architecture: hasRegisters ? "Dinov2WithRegistersModel" : "Dinov2Model", members: members)
  }

  func names(_ vision: VisionDescription) -> VisionTensorNames {
    names(isGated: vision.layer.feedForward == .gated)
  }

  private func names(isGated: Bool) -> VisionTensorNames {
    var names = VisionTensorNames()
    names.classToken = "embeddings.cls_token"
    names.classTokenDimensions = 2
    names.patchEmbedding = "embeddings.patch_embeddings.projection"
    names.position = "embeddings.position_embeddings"
    names.isPositionBatched = true
    names.layers = "encoder.layer."
    names.finalNormalization = "layernorm"
    names.layer = VisionTensorNames.Layer(
      attentionNormalization: "norm1", query: "attention.attention.query",
      key: "attention.attention.key", value: "attention.attention.value",
      attentionOutput: "attention.output.dense", attentionScale: "layer_scale1.lambda1",
      feedForwardNormalization: "norm2",
      feedForwardInput: isGated ? "mlp.weights_in" : "mlp.fc1",
      feedForwardOutput: isGated ? "mlp.weights_out" : "mlp.fc2",
      feedForwardScale: "layer_scale2.lambda1")
    return names
  }
}
