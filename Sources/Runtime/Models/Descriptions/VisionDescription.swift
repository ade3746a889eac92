/// A vision transformer: patches, tokens in front of them, positions, pre-norm layers, and what is made of the result.
///
/// All families are this one model with different parts; what a part does is said by the members, never by `kind`.
public struct VisionDescription: Codable, Sendable, Equatable {
  /// Encoder families, which name and lay out their tensors differently in checkpoints.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// Hugging Face's SigLIP (arXiv:2303.15343).
    case siglip
    /// Hugging Face's CLIP (arXiv:2103.00020).
    case clip
    /// Hugging Face's DINOv2 (arXiv:2304.07193), with registers (arXiv:2309.16588) or without.
    case dinov2
    /// InternViT (arXiv:2312.14238) as its own code names it.
    case internvit
    /// InternViT as Hugging Face's InternVL names it.
    case internvitNative = "internvit-hf"
    /// Vision transformers of timm.
    case timm
  }

  /// Which tokens a connector reads.
  public enum SelectedTokens: String, Codable, Sendable {
    /// Class token, registers and patches.
    case all
    /// Patches alone.
    case patches
  }

  /// What the normalization after the last layer is applied to.
  public enum FinalNormalization: String, Codable, Sendable {
    /// There is none.
    case none
    /// All tokens.
    case tokens
    /// The pooled output alone.
    case pooled
  }

  /// Which encoder family.
  public var kind: Kind
  /// Width of the stream.
  public var width: Int
  /// Width inside the feed-forward layers.
  public var feedForwardWidth: Int
  /// Number of layers in the checkpoint.
  public var layers: Int
  /// Attention heads.
  public var heads: Int
  /// Side of a patch in pixels.
  public var patchSize: Int
  /// Patches from top to bottom of the images that the model is made for.
  public var gridRows: Int
  /// Patches from left to right.
  public var gridColumns: Int
  /// Activation of the feed-forward layers.
  public var activation: Activation
  /// Added to the variance in normalizations.
  public var epsilon: Double
  /// Whether the projection of patches has a bias.
  public var hasPatchBias: Bool
  /// Whether a class token comes before the patches.
  public var hasClassToken: Bool
  /// Register tokens between class token and patches.
  public var registers: Int
  /// The table of positions.
  public var positions: VisionPositionDescription
  /// Whether the stream is normalized before the first layer.
  public var hasPreNormalization: Bool
  /// What the layers are made of.
  public var layer: VisionLayerDescription
  /// What the normalization after the last layer is applied to.
  public var finalNormalization: FinalNormalization
  /// Whether the attention-pooling head exists. Without it, the class token is the pooled output.
  public var hasPoolingHead: Bool
  /// How the projections of the pooling head lie in tensors.
  public var poolingProjections: AttentionProjectionLayout
  /// Names of the classes of a classifier head, in the order of its outputs.
  public var classes: [String]?
  /// The layer whose output the connector reads, as in Hugging Face's `hidden_states`: −1 is the last, −2 the one
  /// before it; absent for an encoder that stands alone.
  public var selectedLayer: Int?
  /// The tokens that the connector reads.
  public var selectedTokens: SelectedTokens

  /// Tokens before the patches.
  public var prefixTokens: Int { (hasClassToken ? 1 : 0) + registers }

  /// Gathers the parts of a vision encoder; positions are by default a table of the grid's size.
  public init(
    kind: Kind, width: Int, feedForwardWidth: Int, layers: Int, heads: Int, patchSize: Int,
    gridRows: Int, gridColumns: Int, activation: Activation, epsilon: Double,
    hasPatchBias: Bool = true, hasClassToken: Bool = false, registers: Int = 0,
    positions: VisionPositionDescription? = nil, hasPreNormalization: Bool = false,
    layer: VisionLayerDescription = VisionLayerDescription(),
    finalNormalization: FinalNormalization = .tokens, hasPoolingHead: Bool = false,
    poolingProjections: AttentionProjectionLayout = .fused, classes: [String]? = nil,
    selectedLayer: Int? = nil, selectedTokens: SelectedTokens = .all
  ) {
    self.kind = kind
    self.width = width
    self.feedForwardWidth = feedForwardWidth
    self.layers = layers
    self.heads = heads
    self.patchSize = patchSize
    self.gridRows = gridRows
    self.gridColumns = gridColumns
    self.activation = activation
    self.epsilon = epsilon
    self.hasPatchBias = hasPatchBias
    self.hasClassToken = hasClassToken
    self.registers = registers
    self.positions =
      positions ?? VisionPositionDescription(rows: gridRows, columns: gridColumns)
    self.hasPreNormalization = hasPreNormalization
    self.layer = layer
    self.finalNormalization = finalNormalization
    self.hasPoolingHead = hasPoolingHead
    self.poolingProjections = poolingProjections
    self.classes = classes
    self.selectedLayer = selectedLayer
    self.selectedTokens = selectedTokens
  }
}

extension VisionDescription {
  /// Reads a description; members that only some families need may be absent.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func member<Value: Decodable>(_ key: CodingKeys) throws -> Value {
      try container.decode(Value.self, forKey: key)
    }
    func member<Value: Decodable>(_ key: CodingKeys, default fallback: Value) throws -> Value {
      try container.decodeIfPresent(Value.self, forKey: key) ?? fallback
    }
    self.init(
      kind: try member(.kind), width: try member(.width),
      feedForwardWidth: try member(.feedForwardWidth), layers: try member(.layers),
      heads: try member(.heads), patchSize: try member(.patchSize),
      gridRows: try member(.gridRows), gridColumns: try member(.gridColumns),
      activation: try member(.activation), epsilon: try member(.epsilon),
      hasPatchBias: try member(.hasPatchBias, default: true),
      hasClassToken: try member(.hasClassToken, default: false),
      registers: try member(.registers, default: 0),
      positions: try member(.positions, default: nil),
      hasPreNormalization: try member(.hasPreNormalization, default: false),
      layer: try member(.layer, default: VisionLayerDescription()),
      finalNormalization: try member(.finalNormalization, default: .tokens),
      hasPoolingHead: try member(.hasPoolingHead, default: false),
      poolingProjections: try member(.poolingProjections, default: .fused),
      classes: try member(.classes, default: nil),
      selectedLayer: try member(.selectedLayer, default: nil),
      selectedTokens: try member(.selectedTokens, default: .all))
  }
}
