import Format
import Runtime

/// What the name of a timm architecture stands for.
struct TimmArchitecture {
  private let name: String
  private let arguments: JSON?
  private let pretrained: JSON?

  /// Reads timm's config.json.
  init(_ configuration: JSON) {
    name = configuration.present("architecture")?.stringValue ?? ""
    arguments = configuration.present("model_args")
    pretrained = configuration.present("pretrained_cfg")
  }

  /// Attention heads by the beginning of the name, the longest first.
  private static let heads = [
    ("vit_giant_patch14_reg4_dinov2", 24), ("vit_giant_patch14_dinov2", 24), ("vit_giantopt_", 16),
    ("vit_so400m_", 16), ("vit_giant_", 16), ("vit_large_", 16), ("vit_huge_", 16),
    ("vit_base_", 12), ("vit_small_", 6), ("vit_tiny_", 3),
  ]

  /// Parts of the names of SigLIP models that have the tanh form of GELU; the others have the exact one.
  private static let tanhModels = [
    "base_patch32_siglip_", "large_patch16_siglip_512", "large_patch16_siglip_gap_512",
    "so400m_patch16_siglip_", "giantopt_patch16_siglip_",
  ]

  /// The activation of feed-forward layers.
  var activation: Activation {
    if name.contains("quickgelu") { return .quickGelu }
    return Self.tanhModels.contains(where: name.contains) ? .geluTanh : .gelu
  }

  /// Heads, image size and activation under the keys that Hugging Face's configurations have.
  func sizes(_ file: String) throws -> JSON {
    let known = Self.heads.first { name.hasPrefix($0.0) }?.1
    guard let heads = arguments?.present("num_heads") ?? known.map({ .integer(Int64($0)) }) else {
      throw ConvertError.unsupported(
        option: "architecture", found: "“\(name)”",
        supported: Self.heads.map { $0.0 + "…" }.joined(separator: ", "), file: file)
    }
    var members = ["num_attention_heads": heads]
    let input = pretrained?.present("input_size")?.arrayValue.map {
      JSON.array(Array($0.dropFirst()))
    }
    members["image_size"] = arguments?.present("img_size") ?? input
    if let activation = arguments?.present("act_layer")?.stringValue {
      members["hidden_act"] = .string(activation == "gelu_tanh" ? "gelu_pytorch_tanh" : activation)
    }
    return .dictionary(members)
  }
}

/// How timm prepares images for evaluation, which its config.json says.
enum TimmImageProcessor {
  private static let filters = ["nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3]

  /// Nothing if the configuration does not say enough.
  static func read(_ reader: CheckpointReader) throws -> [ImageProcessor] {
    guard let configuration = reader.configuration.present("pretrained_cfg"),
      let size = configuration.present("input_size")?.arrayValue?.dropFirst().map(\.intValue),
      let height = size.first ?? nil, let width = size.last ?? nil, size.count == 2,
      let mean = configuration.present("mean"), let deviation = configuration.present("std"),
      let filter = filters[reader.text("interpolation", default: "", in: configuration)]
    else { return [] }
    let mode = reader.text("crop_mode", default: "center", in: configuration)
    let share = try reader.number(["crop_pct"], default: 0.875, in: configuration)
    let sides = 1...1 << 16
    guard ["center", "squash"].contains(mode), share > 0.1, sides.contains(height),
      sides.contains(width)
    else { return [] }
    func enlarged(_ side: Int) -> JSON { .integer(Int64((Double(side) / share).rounded(.down))) }
    let resize: JSON =
      mode == "squash"
      ? .dictionary(["height": enlarged(height), "width": enlarged(width)])
      : .dictionary(["shortest_edge": enlarged(min(height, width))])
    let processor = try ImageProcessor(
      configuration: .dictionary([
        "size": resize, "resample": .integer(Int64(filter)), "image_mean": mean,
        "image_std": deviation, "do_center_crop": .bool(true),
        "crop_size": .dictionary([
          "height": .integer(Int64(height)), "width": .integer(Int64(width)),
        ]),
      ]), file: reader.configurationFile)
    return [processor]
  }
}
