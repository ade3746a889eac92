/// One layer of a vision transformer.
public struct VisionLayerDescription: Codable, Sendable, Equatable {
  /// The feed-forward part of a layer.
  public enum FeedForwardKind: String, Codable, Sendable {
    /// Two projections with an activation between them.
    case plain
    /// `output(silu(gate) ⊙ up)`, gate and up from one projection (SwiGLU, arXiv:2002.05202).
    case gated
  }

  /// Normalization before attention and feed-forward part.
  public var normalization: NormalizationKind
  /// How the projections to queries, keys and values lie in tensors.
  public var projections: AttentionProjectionLayout
  /// Whether those projections have a bias.
  public var hasProjectionBias: Bool
  /// Added to the mean square when queries and keys are normalized over all heads; absent when they are not.
  public var queryKeyEpsilon: Double?
  /// Whether each half of the layer is scaled, channel by channel, before it is added to the stream.
  public var hasScale: Bool
  /// The feed-forward part.
  public var feedForward: FeedForwardKind

  /// Gathers the parts of a layer.
  public init(
    normalization: NormalizationKind = .layer, projections: AttentionProjectionLayout = .separate,
    hasProjectionBias: Bool = true, queryKeyEpsilon: Double? = nil, hasScale: Bool = false,
    feedForward: FeedForwardKind = .plain
  ) {
    self.normalization = normalization
    self.projections = projections
    self.hasProjectionBias = hasProjectionBias
    self.queryKeyEpsilon = queryKeyEpsilon
    self.hasScale = hasScale
    self.feedForward = feedForward
  }
}

/// How the projections to queries, keys and values lie in tensors.
public enum AttentionProjectionLayout: String, Codable, Sendable {
  /// One tensor each.
  case separate
  /// Rows of queries, keys and values in one tensor, in that order.
  case fused
  /// One tensor of queries, one with the rows of keys and values.
  case fusedKeyValue
}

/// The table of positions of a vision transformer.
public struct VisionPositionDescription: Codable, Sendable, Equatable {
  /// What happens when the patches of an image are not as many as the positions of the table.
  public enum Interpolation: String, Codable, Sendable {
    /// Such images are refused.
    case none
    /// Cubic convolution with a = −0.75 over four neighbours, edges repeated, also when shrinking.
    case bicubic
    /// Cubic convolution with a = −0.5 whose kernel widens when shrinking.
    case antialiasedBicubic
  }

  /// Patches from top to bottom that the table has positions for.
  public var rows: Int
  /// Patches from left to right.
  public var columns: Int
  /// Whether the first position belongs to the class token. Registers never have one.
  public var includesClassToken: Bool
  /// What happens with other grids.
  public var interpolation: Interpolation

  /// Describes a table.
  public init(
    rows: Int, columns: Int, includesClassToken: Bool = false, interpolation: Interpolation = .none
  ) {
    self.rows = rows
    self.columns = columns
    self.includesClassToken = includesClassToken
    self.interpolation = interpolation
  }
}
