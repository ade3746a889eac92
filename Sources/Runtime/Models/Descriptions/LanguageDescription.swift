/// A language model.
public struct LanguageDescription: Codable, Sendable, Equatable {
  /// Width of the stream.
  public var width: Int
  /// The layers, from first to last.
  public var layers: [LayerDescription]
  /// Rows of the embedding; logits have that many columns.
  public var vocabularySize: Int
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
    width: Int, layers: [LayerDescription], vocabularySize: Int,
    normalization: NormalizationKind, epsilon: Double, hasTiedHead: Bool, endOfText: [Int]
  ) {
    self.width = width
    self.layers = layers
    self.vocabularySize = vocabularySize
    self.normalization = normalization
    self.epsilon = epsilon
    self.hasTiedHead = hasTiedHead
    self.endOfText = endOfText
  }
}

/// One layer of a language model: a normalization and a mixer with a residual around both.
public struct LayerDescription: Codable, Sendable, Equatable {
  /// What mixes the tokens.
  public var mixer: MixerDescription

  /// Describes a layer.
  public init(mixer: MixerDescription) { self.mixer = mixer }
}

/// What mixes the tokens of a layer.
public enum MixerDescription: Codable, Sendable, Equatable {
  /// Mamba (arXiv:2312.00752).
  case mamba(MambaMixerDescription)
  /// Mamba-2 (arXiv:2405.21060).
  case mamba2(MambaTwoMixerDescription)

  private enum CodingKeys: String, CodingKey { case mamba, mamba2 }

  /// Reads the widths under the name of the kind.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if container.contains(.mamba2) {
      self = .mamba2(try container.decode(MambaTwoMixerDescription.self, forKey: .mamba2))
    } else {
      self = .mamba(try container.decode(MambaMixerDescription.self, forKey: .mamba))
    }
  }

  /// Writes the widths under the name of the kind.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .mamba(let mixer): try container.encode(mixer, forKey: .mamba)
    case .mamba2(let mixer): try container.encode(mixer, forKey: .mamba2)
    }
  }

  /// The name of its kind.
  public var kind: String {
    switch self {
    case .mamba: "mamba"
    case .mamba2: "mamba2"
    }
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
  /// Added to the mean square where time step, B and C are normalized without weights (FalconMamba); absent where
  /// they are not.
  public var parameterNormalizationEpsilon: Double?

  /// Gathers the widths of a mixer.
  public init(
    width: Int, innerWidth: Int, stateSize: Int, timeStepRank: Int, convolutionWidth: Int,
    hasProjectionBias: Bool, hasConvolutionBias: Bool,
    parameterNormalizationEpsilon: Double? = nil
  ) {
    self.parameterNormalizationEpsilon = parameterNormalizationEpsilon
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
