import Convert
import Format
import Runtime
import Testing

/// Vision transformers of generated weights against values that the original classes of transformers computed.
///
/// Width 8, two heads, two layers, patches of 4 pixels, an image of 8 × 8. The value of element `i` of the tensor with
/// number `s`, counted from 1 by name, is a quadratic residue; see `values`.
@Suite struct GoldenVectorTests {
  /// Six decimals are given.
  static let bound: Float = 2e-5

  struct Sample: Sendable, CustomTestStringConvertible {
    let modelType: String
    /// The token whose features are given.
    let row: Int
    let expected: [Float]
    let innerWidth: Int
    /// Names of tensors by shape; `#` stands for the number of a layer, `w` and `b` for weight and bias.
    let tensors: [(shape: [Int], names: [String])]

    var testDescription: String { modelType }

    /// Names and shapes in the order of names.
    var sorted: [(name: String, shape: [Int])] {
      tensors.flatMap { shape, names in
        names.flatMap { name in
          name.contains("#")
            ? ["0", "1"].map { (name.replacing("#", with: $0), shape) } : [(name, shape)]
        }
      }.sorted { $0.0 < $1.0 }
    }
  }

  private static func both(_ names: [String]) -> [String] {
    names.flatMap { [$0 + ".weight", $0 + ".bias"] }
  }

  private static let heads = ["q_proj", "k_proj", "v_proj", "out_proj"]
    .map { "vision_model.encoder.layers.#.self_attn." + $0 }
  private static let layers = "vision_model.encoder.layers.#."

  private static let common: [(shape: [Int], names: [String])] = [
    ([8, 3, 4, 4], ["vision_model.embeddings.patch_embedding.weight"]),
    ([8, 8], heads.map { $0 + ".weight" }), ([8], heads.map { $0 + ".bias" }),
    ([8], both(["layer_norm1", "layer_norm2"].map { layers + $0 })),
    ([12, 8], [layers + "mlp.fc1.weight"]), ([12], [layers + "mlp.fc1.bias"]),
    ([8, 12], [layers + "mlp.fc2.weight"]), ([8], [layers + "mlp.fc2.bias"]),
    ([8], both(["vision_model.post_layernorm"])),
  ]

  static let samples = [
    Sample(
      modelType: "siglip_vision_model", row: 0,
      expected: [
        -0.723313, 0.183653, 0.232997, -1.993518, 1.266395, -0.048731, 0.842121, -1.293610,
      ], innerWidth: 12,
      tensors: common + [
        ([4, 8], ["vision_model.embeddings.position_embedding.weight"]),
        ([8], ["vision_model.embeddings.patch_embedding.bias"]),
        ([1, 1, 8], ["vision_model.head.probe"]),
        ([24, 8], ["vision_model.head.attention.in_proj_weight"]),
        ([24], ["vision_model.head.attention.in_proj_bias"]),
        ([8, 8], ["vision_model.head.attention.out_proj.weight"]),
        ([8], ["vision_model.head.attention.out_proj.bias"]),
        ([8], both(["vision_model.head.layernorm"])),
        ([12, 8], ["vision_model.head.mlp.fc1.weight"]),
        ([12], ["vision_model.head.mlp.fc1.bias"]),
        ([8, 12], ["vision_model.head.mlp.fc2.weight"]),
        ([8], ["vision_model.head.mlp.fc2.bias"]),
      ]),
    Sample(
      modelType: "clip_vision_model", row: 1,
      expected: [
        -0.740368, 1.219405, 0.539938, -3.684756, 1.868193, -0.233303, 1.483501, -2.644862,
      ], innerWidth: 12,
      tensors: common + [
        ([5, 8], ["vision_model.embeddings.position_embedding.weight"]),
        ([8], ["vision_model.embeddings.class_embedding"]),
        ([8], both(["vision_model.pre_layrnorm"])),
      ]),
    Sample(
      modelType: "dinov2", row: 1,
      expected: [
        0.168104, -0.290432, 1.970648, -0.417538, 0.375663, -0.587985, 0.215893, -1.305040,
      ], innerWidth: 16,
      tensors: [
        ([1, 1, 8], ["embeddings.cls_token"]), ([1, 8], ["embeddings.mask_token"]),
        ([1, 5, 8], ["embeddings.position_embeddings"]),
        ([8, 3, 4, 4], ["embeddings.patch_embeddings.projection.weight"]),
        ([8], ["embeddings.patch_embeddings.projection.bias"]),
        (
          [8, 8],
          ["attention.query", "attention.key", "attention.value", "output.dense"]
            .map { "encoder.layer.#.attention.\($0).weight" }
        ),
        (
          [8],
          ["attention.query", "attention.key", "attention.value", "output.dense"]
            .map { "encoder.layer.#.attention.\($0).bias" }
        ),
        ([8], both(["encoder.layer.#.norm1", "encoder.layer.#.norm2", "layernorm"])),
        ([8], ["encoder.layer.#.layer_scale1.lambda1", "encoder.layer.#.layer_scale2.lambda1"]),
        ([16, 8], ["encoder.layer.#.mlp.fc1.weight"]), ([16], ["encoder.layer.#.mlp.fc1.bias"]),
        ([8, 16], ["encoder.layer.#.mlp.fc2.weight"]), ([8], ["encoder.layer.#.mlp.fc2.bias"]),
      ]),
  ]

  private static func values(seed: Int, count: Int, scale: Double, offset: Double) -> [Float] {
    (0..<count).map { index in
      var u = (seed * 7919 + index * 104_729 + 12289) % 65537
      u = (u * u + 3 * u + seed) % 65537
      return Float((Double(u) / 65537 - 0.5) * 2 * scale + offset)
    }
  }

  @Test(arguments: samples, ExecutionContext.EngineKind.allCases)
  func `generated weights give the values of the original`(
    sample: Sample, engine: ExecutionContext.EngineKind
  ) throws {
    let tensors = sample.sorted.enumerated().map { index, tensor in
      let isScale =
        tensor.name.contains("norm") && tensor.name.hasSuffix("weight")
        || tensor.name.contains("lambda1")
      return (
        name: tensor.name, shape: tensor.shape,
        values: Self.values(
          seed: index + 1, count: tensor.shape.reduce(1, *), scale: isScale ? 0.3 : 0.5,
          offset: isScale ? 1 : 0)
      )
    }
    let checkpoint = try ChangedCheckpoint(
      configuration: [
        "model_type": .string(sample.modelType), "num_attention_heads": .integer(2),
        "image_size": .integer(8), "patch_size": .integer(4),
      ], tensors: tensors)
    _ = try checkpoint.open()
    let model = try ModelLoader.load(
      path: checkpoint.path, context: ExecutionContext(engine: engine))
    #expect(model.description.vision[0].feedForwardWidth == sample.innerWidth)
    let features = try model.encode(
      pixels: Self.values(seed: 99, count: 3 * 8 * 8, scale: 1, offset: 0), height: 8, width: 8
    ).vision.features
    let row = features.values[sample.row * 8..<(sample.row + 1) * 8]
    let largest = zip(row, sample.expected).map { abs($0 - $1) }.max() ?? .infinity
    #expect(largest < Self.bound, "largest difference \(largest)")
  }
}
