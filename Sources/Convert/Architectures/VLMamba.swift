import Foundation
import Format
import Runtime

/// VL-Mamba (arXiv:2403.13600): a vision encoder, a connector with an optional two-dimensional scan, and a Mamba-1 language
/// model, in the layout of LLaVA's names for the outer parts.
///
/// The paper was published without code. What it leaves open is decided by the configuration and printed.
struct VLMamba: Architecture {
  let profile = "vlmamba"
  let summary = "VL-Mamba: SigLIP, CLIP or DINOv2; linear, MLP or scan connector; Mamba"
  let modelTypes = ["vl_mamba"]

  private static let textModels: [String: MambaLanguage.MixerReader] = [
    "mamba": MambaOne.mixer, "mamba2": MambaTwo.mixer, "falcon_mamba": FalconMamba.mixer,
  ]
  private static let tower = "model.vision_tower.vision_tower."
  private static let projector = "model.mm_projector."
  private static let projectorPrefixes = [
    "model.mm_projector.", "backbone.mm_projector.", "mm_projector.", "multi_modal_projector.",
  ]

  /// The prompt of the models we know of; LLaVA's template is for chat-tuned ones.
  private static let prompt = PromptDescription(prefix: "\nQuestion: ", suffix: "\nAnswer:")

  func recognizes(_ checkpoint: Checkpoint) -> Bool {
    let names = checkpoint.tensors.keys.map(\.text)
    return names.contains { Self.afterProjectorPrefix($0) != nil }
      && names.contains {
        $0.hasSuffix(".mixer.x_proj.weight") || $0.hasSuffix(".mixer.dt_bias")
      }
  }

  private static func afterProjectorPrefix(_ name: String) -> Substring? {
    projectorPrefixes.first(where: name.hasPrefix).map { name.dropFirst($0.count) }
  }

  func standardName(_ name: String, in checkpoint: Checkpoint) -> String? {
    let name = name.hasPrefix("module.") ? String(name.dropFirst("module.".count)) : name
    if let part = Self.afterProjectorPrefix(name) {
      return Self.projector + Self.standardConnectorName(String(part), in: checkpoint)
    }
    guard let range = name.range(of: "vision_tower.") else {
      return MambaLanguage.standardName(name)
    }
    var part = name[range.upperBound...]
    if part.hasPrefix("vision_tower.") { part = part.dropFirst("vision_tower.".count) }
    return Self.tower(of: checkpoint.configuration)
      .map { $0.standardName(tower: part, outer: Self.tower) } ?? name
  }

  private static func standardConnectorName(_ part: String, in checkpoint: Checkpoint) -> String {
    let hasScan = checkpoint.tensors.keys.contains { $0.text.contains("_projector.vss.") }
    guard hasScan else {
      // LLaVA in Hugging Face's own classes numbers the two projections of an MLP.
      return part.replacingPrefix("linear_1.", with: "0.").replacingPrefix("linear_2.", with: "2.")
    }
    guard checkpoint.tensors.keys.contains(where: { $0.text.hasSuffix(".vss.A_logs") }) else {
      return part
    }
    switch part {
    case "vss.x_proj.weight": return "vss.x_proj_weight"
    case "vss.dt_projs.weight": return "vss.dt_projs_weight"
    default: return part
    }
  }

  func describe(_ reader: inout CheckpointReader) throws -> ModelDescription {
    let textModel = reader.text("text_model_type", default: "mamba")
    try reader.require("text_model_type", textModel, among: Self.textModels.keys.sorted())
    try reader.require(
      "image_aspect_ratio", reader.text("image_aspect_ratio", default: "square"),
      among: ImageProcessor.AspectRatio.allCases.map(\.rawValue))
    let language = try MambaLanguage.language(
      &reader, isTiedByDefault: textModel != "mamba2",
      mixer: Self.textModels[textModel] ?? MambaOne.mixer)
    let vision = try Self.vision(&reader)
    let connector = try VLMambaConnector.describe(
      &reader, prefix: Self.projector, vision: vision, language: language)
    Self.noteChoices(&reader, vision, connector)
    return ModelDescription(
      profile: profile, language: language, vision: [vision], connector: connector,
      imageProcessors: try ImageProcessorReader.read(reader.checkpoint), prompt: Self.prompt)
  }

  /// The model types of towers; the first is the default.
  private static let towerTypes = [
    "siglip_vision_model", "clip_vision_model", "dinov2", "dinov2_with_registers",
  ]

  private static func tower(of configuration: JSON) -> (any VisionTower)? {
    let type = configuration.present("vision_config")?.present("model_type")?.stringValue
    return VisionTowers.of(modelType: type ?? towerTypes[0])
  }

  private static func vision(_ reader: inout CheckpointReader) throws -> VisionDescription {
    guard let configuration = reader.configuration.present("vision_config") else {
      throw ConvertError.malformedConfiguration(
        file: reader.configurationFile, key: "vision_config",
        expected: "the configuration of the vision tower")
    }
    let type = reader.text("model_type", default: towerTypes[0], in: configuration)
    try reader.require("vision_config.model_type", type, among: towerTypes)
    guard let family = tower(of: reader.configuration),
      reader.tensors.keys.contains(where: { $0.text.hasPrefix(tower) })
    else {
      throw ConvertError.unsupported(
        option: "vision tower", found: "absent from the checkpoint",
        supported: "its tensors below \(tower)", file: reader.checkpoint.directory)
    }
    var vision = try family.vision(
      &reader, prefix: tower + family.prefix, configuration, grid: try reader.grid("mm_grid"))
    vision.selectedLayer = try reader.integer(["mm_vision_select_layer"])?.value ?? -2
    let feature = reader.text("mm_vision_select_feature", default: "patch")
    try reader.require("mm_vision_select_feature", feature, among: ["patch", "cls_patch"])
    vision.selectedTokens = feature == "patch" ? .patches : .all
    return vision
  }

  private static func noteChoices(
    _ reader: inout CheckpointReader, _ vision: VisionDescription,
    _ connector: ConnectorDescription
  ) {
    let scan = connector.scan.map {
      ", \($0.paths.rawValue) \($0.kind.rawValue) merged by \($0.merge.rawValue), \(connector.normalization?.rawValue ?? "no") normalization with epsilon \(connector.epsilon)"
    }
    reader.note(
      "vision layer \(vision.selectedLayer ?? -1) of \(vision.layers) feeds a \(connector.kind.rawValue) connector\(scan ?? "") on a grid of \(vision.gridRows) × \(vision.gridColumns)"
    )
  }

  func tensors(_ description: ModelDescription) -> [TensorRule] {
    guard let language = description.language, let vision = description.vision.first,
      let connector = description.connector
    else { return [] }
    let family = VisionTowers.of(vision.kind)
    return
      (family?.tensors(vision, name: "vision.0", prefix: Self.tower + (family?.prefix ?? "")) ?? [])
      + VLMambaConnector.tensors(connector, Self.projector)
      + MambaLanguage.tensors(language)
  }

  func exportedConfiguration(_ description: ModelDescription, original: JSON) -> JSON {
    var members = original.objectValue ?? [:]
    members["torch_dtype"] = .string("float32")
    members["dtype"] = nil
    return .object(members)
  }
}

extension String {
  fileprivate func replacingPrefix(_ prefix: String, with replacement: String) -> String {
    hasPrefix(prefix) ? replacement + dropFirst(prefix.count) : self
  }
}
