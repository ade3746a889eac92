import Convert
import Format
import Runtime
import Testing

@Suite struct VisionRefusalTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let fixture: String
    let key: String
    let value: JSON
    let option: String
    let found: String

    var testDescription: String { "\(fixture) with \(key)" }
  }

  static let cases = [
    Case(
      fixture: "clip-vit", key: "hidden_act", value: .string("relu6"), option: "hidden_act",
      found: "“relu6”"),
    Case(
      fixture: "dinov2", key: "num_channels", value: .integer(4), option: "num_channels",
      found: "4"),
    Case(
      fixture: "dinov2-reg", key: "patch_size", value: .array([.integer(4), .integer(2)]),
      option: "patch_size", found: "4 × 2"),
    Case(
      fixture: "internvit", key: "norm_type", value: .string("batch_norm"), option: "norm_type",
      found: "“batch_norm”"),
    Case(
      fixture: "internvit-hf", key: "use_absolute_position_embeddings", value: .bool(false),
      option: "use_absolute_position_embeddings", found: "false"),
    Case(
      fixture: "siglip", key: "model_type", value: .string("siglip2_vision_model"),
      option: "model_type", found: "“siglip2_vision_model”"),
    Case(
      fixture: "timm-vit-dinov2", key: "global_pool", value: .string("avg"),
      option: "global_pool", found: "“avg”"),
  ]

  @Test(arguments: cases)
  func `an option that is not supported is refused by name`(sample: Case) throws {
    let copy = try ChangedCheckpoint(sample.fixture)
    copy.set(sample.key, sample.value)
    let checkpoint = try copy.open()
    let error = try #require(throws: ConvertError.self) { try CheckpointWeightSource(checkpoint) }
    guard case .unsupported(let option, let found, _, let file) = error else {
      Issue.record("found \(error)")
      return
    }
    #expect(option == sample.option)
    #expect(found == sample.found)
    #expect(file == copy.path + "/config.json")
  }

  @Test func `a timm architecture of unknown heads is refused by name`() throws {
    let copy = try ChangedCheckpoint("timm-vit-siglip")
    copy.set("model_args", nil)
    copy.set("architecture", .string("eva_giant_patch14_336"))
    let checkpoint = try copy.open()
    let error = try #require(throws: ConvertError.self) { try CheckpointWeightSource(checkpoint) }
    #expect(error.description.contains("architecture is “eva_giant_patch14_336”"))
  }

  @Test(arguments: [("fc_norm.weight", "fc_norm"), ("blocks.0.attn.q_norm.weight", "qk_norm")])
  func `a part of timm that is not supported is refused by name`(
    tensor: String, option: String
  ) throws {
    let copy = try ChangedCheckpoint("timm-vit-dinov2")
    copy.add(tensor, [18])
    let checkpoint = try copy.open()
    let error = try #require(throws: ConvertError.self) { try CheckpointWeightSource(checkpoint) }
    guard case .unsupported(option, _, _, _) = error else {
      Issue.record("found \(error)")
      return
    }
  }

  /// A tensor of each family, in the spelling of its fixture, and the shape that is expected of it.
  static let tensors = [
    ("clip-vit", "embeddings.class_embedding"), ("clip-vit", "encoder.layers.1.mlp.fc2.bias"),
    ("siglip", "head.layernorm.weight"), ("dinov2", "encoder.layer.1.layer_scale2.lambda1"),
    ("dinov2", "embeddings.cls_token"), ("dinov2-swiglu", "encoder.layer.1.mlp.weights_out.weight"),
    ("dinov2-reg", "layernorm.bias"), ("internvit", "encoder.layers.2.ls1"),
    ("internvit-rms-qk", "encoder.layers.1.attn.k_norm.weight"),
    ("internvit-hf", "encoder.layer.0.lambda_2"), ("timm-vit-dinov2", "blocks.2.attn.proj.weight"),
    ("timm-vit-siglip", "pos_embed"),
  ]

  @Test(arguments: tensors)
  func `a missing tensor is reported`(fixture: String, tensor: String) throws {
    let copy = try ChangedCheckpoint(fixture)
    var removed = [String]()
    copy.rename { name in
      if name.hasSuffix(tensor) { removed.append(name) }
      return name
    }
    for name in removed { copy.remove(name) }
    #expect(removed.count == 1)
    let checkpoint = try copy.open()
    let error = try #require(throws: ConvertError.self) { try CheckpointWeightSource(checkpoint) }
    guard case .problems(let problems, let directory) = error else {
      Issue.record("found \(error)")
      return
    }
    #expect(directory == copy.path)
    #expect(problems.count == 1)
    guard case .missing(let name, _)? = problems.first else {
      Issue.record("found \(problems)")
      return
    }
    #expect(name.hasSuffix(tensor))
  }

  @Test(arguments: [
    ("clip-vit", "text_model.embeddings.token_embedding.weight"), ("clip-vit", "logit_scale"),
    ("clip-vit", "visual_projection.weight"), ("clip-vit", "vision_model.embeddings.position_ids"),
    ("timm-vit-dinov2", "head.weight"),
  ])
  func `tensors without use are left out`(fixture: String, tensor: String) throws {
    let copy = try ChangedCheckpoint(fixture)
    copy.remove(tensor)
    copy.add(tensor, [2, 2])
    let source = try CheckpointWeightSource(copy.open())
    #expect(source.notes.contains { $0.hasPrefix("\(tensor) is left out") })
  }

  @Test func `a stray tensor is reported`() throws {
    let copy = try ChangedCheckpoint("dinov2")
    copy.add("encoder.layer.0.extra", [2])
    let checkpoint = try copy.open()
    #expect(
      throws: ConvertError.problems(
        [.unused("encoder.layer.0.extra", shape: [2])], directory: copy.path)
    ) { try CheckpointWeightSource(checkpoint) }
  }

  @Test func `a scan needs patches alone`() throws {
    let copy = try ChangedCheckpoint("vlmamba-vss-l2-bsm")
    copy.set("mm_vision_select_feature", .string("cls_patch"))
    // SigLIP has no class token, so all its tokens are patches.
    #expect(try CheckpointWeightSource(copy.open()).description.vision[0].selectedTokens == .all)
    let other = try ChangedCheckpoint("vlmamba-vss-l2-bsm")
    try other.replaceTower(with: "dinov2")
    other.set("mm_vision_select_feature", .string("cls_patch"))
    let scanned = try other.open()
    #expect(
      throws: ModelError.contradiction(
        "the connector scans a grid of patches, the vision encoder gives it other tokens as well")
    ) { try CheckpointWeightSource(scanned) }
    copy.set("mm_vision_select_feature", .string("cls"))
    let checkpoint = try copy.open()
    let error = try #require(throws: ConvertError.self) { try CheckpointWeightSource(checkpoint) }
    #expect(error.description.contains("mm_vision_select_feature is “cls”"))
  }
}
