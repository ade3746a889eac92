import Format
import Runtime

/// The vision half of Cobra and ML-Mamba: DINOv2 and SigLIP of timm, which see the same image, each normalized in its
/// own way.
///
/// The training code writes no configuration of towers. What shapes do not tell is read from `vision_config`:
///
///     {"image_size": 384, "dino_featurizer": {"architecture": …, "num_heads": 16, "act_layer": "gelu"},
///      "siglip_featurizer": {…}}
///
/// All members may be absent; the defaults are those of the published models.
struct CobraVision {
  /// The towers, in the order in which their features are joined.
  let towers: [VisionDescription]
  /// How the image is prepared for each.
  let processors: [ImageProcessor]
  /// The patches of each.
  let grid: PatchGrid

  /// Channels of the joined features.
  var width: Int { towers.reduce(0) { $0 + $1.width } }

  private struct Tower {
    let key: String
    let architecture: String
    let mean: [Double]
    let deviation: [Double]

    var prefix: String { Checkpoint.visionPrefix + key + "." }
  }

  private static let parts = [
    Tower(
      key: "dino_featurizer", architecture: "vit_large_patch14_reg4_dinov2",
      mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225]),
    Tower(
      key: "siglip_featurizer", architecture: "vit_so400m_patch14_siglip_384",
      mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5]),
  ]
  private static let family = TimmVisionTransformer()
  private static let heads = 16
  private static let imageSize = 384

  /// The standard spelling of a name that is not one of the language model's.
  static func standardName(_ name: String) -> String? {
    guard let tower = parts.first(where: { name.hasPrefix($0.prefix) }) else { return name }
    return family.standardName(tower: name.dropFirst(tower.prefix.count), outer: tower.prefix)
  }

  static func describe(_ reader: inout CheckpointReader) throws -> CobraVision {
    for tower in parts
    where !reader.tensors.keys.contains(where: { $0.text.hasPrefix(tower.prefix) }) {
      throw ConvertError.missingTowers(
        prefix: tower.prefix, directory: reader.checkpoint.directory)
    }
    let configuration = reader.configuration.present("vision_config") ?? .dictionary([:])
    let size = try reader.integer(["image_size"], in: configuration)?.value ?? imageSize
    guard (1...1 << 14).contains(size) else {
      throw ConvertError.malformedConfiguration(
        file: reader.configurationFile, key: "vision_config.image_size",
        expected: "an integer from 1 to \(1 << 14)")
    }
    var towers = [VisionDescription]()
    for tower in parts {
      towers.append(try describe(tower, &reader, configuration, imageSize: size))
    }
    return CobraVision(
      towers: towers, processors: try processors(reader, imageSize: size),
      grid: PatchGrid(rows: towers[0].gridRows, columns: towers[0].gridColumns))
  }

  private static func describe(
    _ tower: Tower, _ reader: inout CheckpointReader, _ configuration: JSON, imageSize: Int
  ) throws -> VisionDescription {
    let own = configuration.present(tower.key) ?? .dictionary([:])
    var arguments: [String: JSON] = [
      "num_heads": .integer(Int64(try reader.integer(["num_heads"], in: own)?.value ?? heads))
    ]
    arguments["act_layer"] = own.present("act_layer")
    let patch = max(1, reader.dimension(tower.prefix + "patch_embed.proj.weight", 3) ?? 14)
    var vision = try family.vision(
      &reader, prefix: tower.prefix,
      .dictionary([
        "architecture": .string(
          reader.text("architecture", default: tower.architecture, in: own)),
        "model_args": .dictionary(arguments),
      ]), grid: PatchGrid(rows: imageSize / patch, columns: imageSize / patch))
    vision.selectedLayer = -2
    vision.selectedTokens = .patches
    return vision
  }

  /// A preprocessor_config.json goes for both towers; else the training run's strategy says what to do.
  private static func processors(
    _ reader: CheckpointReader, imageSize: Int
  ) throws -> [ImageProcessor] {
    if let processor = try ImageProcessorReader.read(reader.checkpoint).first {
      return parts.map { _ in processor }
    }
    let strategy = reader.text(
      "image_resize_strategy", default: "resize-naive",
      in: CobraParts.settings(reader.configuration))
    try reader.require("image_resize_strategy", strategy, among: ["resize-naive"])
    let side = JSON.integer(Int64(imageSize))
    return try parts.map { tower in
      try ImageProcessor(
        configuration: .dictionary([
          "size": .dictionary(["height": side, "width": side]), "resample": .integer(3),
          "image_mean": .array(tower.mean.map(JSON.number)),
          "image_std": .array(tower.deviation.map(JSON.number)),
        ]), file: reader.configurationFile)
    }
  }

  /// The tensors of the towers.
  static func tensors(_ towers: [VisionDescription]) -> [TensorRule] {
    zip(parts, towers).enumerated().flatMap { index, pair in
      family.tensors(pair.1, name: "vision.\(index)", prefix: pair.0.prefix)
    }
  }

  /// A configuration with `vision_config` as the towers are, so that one directory holds all of the model.
  static func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON {
    guard var members = original.objectValue, let first = description.vision.first else {
      return original
    }
    var configuration = original.present("vision_config")?.objectValue ?? [:]
    for (tower, vision) in zip(parts, description.vision) {
      let key = ExactString(tower.key)
      var own = configuration[key]?.objectValue ?? [:]
      own["architecture"] = own["architecture"] ?? .string(tower.architecture)
      own["num_heads"] = .integer(Int64(vision.heads))
      own["act_layer"] = .string(vision.activation.rawValue)
      configuration[key] = .object(own)
    }
    var size = first.gridRows * first.patchSize
    if case .exact(let height, _) = description.imageProcessors.first?.resize,
      height / first.patchSize == first.gridRows
    {
      size = height
    }
    configuration["image_size"] = .integer(Int64(size))
    members["vision_config"] = .object(configuration)
    return .object(members)
  }
}
