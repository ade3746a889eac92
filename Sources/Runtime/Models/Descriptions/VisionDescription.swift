/// A vision transformer.
public struct VisionDescription: Codable, Sendable, Equatable {
  /// Which encoder family.
  public enum Kind: String, Codable, Sendable { case siglip }

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
  /// Patches from top to bottom.
  public var gridRows: Int
  /// Patches from left to right.
  public var gridColumns: Int
  /// Activation of the feed-forward layers.
  public var activation: Activation
  /// Added to the variance in normalizations.
  public var epsilon: Double
  /// Whether the attention-pooling head exists.
  public var hasPoolingHead: Bool
  /// Names of the classes of a classifier head, in the order of its outputs.
  public var classes: [String]?
  /// The layer whose output the connector reads, as in Hugging Face's `hidden_states`: −1 is the last, −2 the one
  /// before it; absent for an encoder that stands alone.
  public var selectedLayer: Int?

  /// Gathers the parts of a vision encoder.
  public init(
    kind: Kind, width: Int, feedForwardWidth: Int, layers: Int, heads: Int, patchSize: Int,
    gridRows: Int, gridColumns: Int, activation: Activation, epsilon: Double,
    hasPoolingHead: Bool, classes: [String]? = nil, selectedLayer: Int? = nil
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
    self.hasPoolingHead = hasPoolingHead
    self.classes = classes
    self.selectedLayer = selectedLayer
  }
}
