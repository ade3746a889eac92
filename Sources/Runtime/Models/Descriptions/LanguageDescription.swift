/// A language model.
public struct LanguageDescription: Codable, Sendable, Equatable {
  /// The mixer of its layers.
  public enum Kind: String, Codable, Sendable { case mamba }

  /// The mixer of its layers.
  public var kind: Kind
  /// Number of layers.
  public var layers: Int
  /// Rows of the embedding; logits have that many columns.
  public var vocabularySize: Int
  /// Widths of the mixers.
  public var mixer: MambaMixerDescription
  /// Normalization before each mixer and at the end.
  public var normalization: NormalizationKind
  /// Added to the mean square or variance.
  public var epsilon: Double
  /// Whether the head is the embedding.
  public var hasTiedHead: Bool
  /// Ids that end a text.
  public var endOfText: [Int]

  /// Gathers the parts of a language model.
  public init(
    kind: Kind, layers: Int, vocabularySize: Int, mixer: MambaMixerDescription,
    normalization: NormalizationKind, epsilon: Double, hasTiedHead: Bool, endOfText: [Int]
  ) {
    self.kind = kind
    self.layers = layers
    self.vocabularySize = vocabularySize
    self.mixer = mixer
    self.normalization = normalization
    self.epsilon = epsilon
    self.hasTiedHead = hasTiedHead
    self.endOfText = endOfText
  }
}

/// The widths of one Mamba mixer.
public struct MambaMixerDescription: Codable, Sendable, Equatable {
  /// Width of its input and output.
  public var width: Int
  /// Channels of convolution and scan.
  public var innerWidth: Int
  /// States of each channel.
  public var stateSize: Int
  /// Rank of the time-step projection.
  public var timeStepRank: Int
  /// Taps of the causal convolution.
  public var convolutionWidth: Int
  /// Whether input and output projection have a bias.
  public var hasProjectionBias: Bool
  /// Whether the convolution has a bias.
  public var hasConvolutionBias: Bool

  /// Gathers the widths of a mixer.
  public init(
    width: Int, innerWidth: Int, stateSize: Int, timeStepRank: Int, convolutionWidth: Int,
    hasProjectionBias: Bool, hasConvolutionBias: Bool
  ) {
    self.width = width
    self.innerWidth = innerWidth
    self.stateSize = stateSize
    self.timeStepRank = timeStepRank
    self.convolutionWidth = convolutionWidth
    self.hasProjectionBias = hasProjectionBias
    self.hasConvolutionBias = hasConvolutionBias
  }
}

/// Normalization over channels.
public enum NormalizationKind: String, Codable, Sendable {
  /// Root mean square, no bias.
  case rms
  /// Mean and variance, with bias.
  case layer
}
