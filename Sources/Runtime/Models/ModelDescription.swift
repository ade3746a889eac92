/// What a model is made of: data, not code. It is stored in the pack, and layers are built from it.
public struct ModelDescription: Codable, Sendable, Equatable {
  /// The layout of the checkpoint that this model came from, for example `mamba1-hf`.
  public var profile: String
  /// The language model, if there is one.
  public var language: LanguageDescription?
  /// Vision encoders, in the order in which their features are joined.
  public var vision: [VisionDescription]
  /// What brings vision features to the width of the language model.
  public var connector: ConnectorDescription?
  /// How images are prepared, if the model came with that.
  public var imageProcessor: ImageProcessor?
  /// The text around a question about an image.
  public var prompt: PromptDescription?

  /// Gathers the parts of a model.
  public init(
    profile: String, language: LanguageDescription? = nil, vision: [VisionDescription] = [],
    connector: ConnectorDescription? = nil, imageProcessor: ImageProcessor? = nil,
    prompt: PromptDescription? = nil
  ) {
    self.profile = profile
    self.language = language
    self.vision = vision
    self.connector = connector
    self.imageProcessor = imageProcessor
    self.prompt = prompt
  }
}

/// Normalization over channels.
public enum NormalizationKind: String, Codable, Sendable {
  /// Root mean square, no bias.
  case rms
  /// Mean and variance, with bias.
  case layer
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

/// What stands between a vision encoder and a language model.
public struct ConnectorDescription: Codable, Sendable, Equatable {
  /// The arrangement of its layers. VL-Mamba (arXiv:2403.13600), section 3.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// One projection.
    case linear
    /// Two projections with GELU between them.
    case mlp
    /// A scan with a residual, then an MLP (the paper's VSS-MLP).
    case scanMLP
    /// Projection, scan with a residual, projection (the paper's VSS-L2).
    case scanLinear
  }

  /// The arrangement of its layers.
  public var kind: Kind
  /// Width of the vision features.
  public var inputWidth: Int
  /// Width of the language model.
  public var outputWidth: Int
  /// The two-dimensional scan, for the kinds that have one.
  public var scan: GridScanDescription?
  /// Normalization after the scan.
  public var normalization: NormalizationKind?
  /// Added to the variance in that normalization.
  public var epsilon: Double

  /// Gathers the parts of a connector.
  public init(
    kind: Kind, inputWidth: Int, outputWidth: Int, scan: GridScanDescription? = nil,
    normalization: NormalizationKind? = nil, epsilon: Double = 1e-5
  ) {
    self.kind = kind
    self.inputWidth = inputWidth
    self.outputWidth = outputWidth
    self.scan = scan
    self.normalization = normalization
    self.epsilon = epsilon
  }
}

/// A Mamba layer that reads a grid of patches along several paths.
public struct GridScanDescription: Codable, Sendable, Equatable {
  /// The layer that scans.
  public enum Kind: String, Codable, Sendable {
    /// VMamba's SS2D, first form: one convolution over the grid, own scan weights for each direction.
    case gridScan
    /// One Mamba mixer whose weights all directions share.
    case sharedMixer
  }

  /// How the directions are put together.
  public enum Merge: String, Codable, Sendable { case sum, mean }

  /// The paths through the grid.
  public enum Paths: String, Codable, Sendable {
    /// Rows from the first patch to the last, and back.
    case bidirectional
    /// Rows, columns, and both back.
    case cross

    /// Number of directions.
    public var directions: Int { self == .bidirectional ? 2 : 4 }
  }

  /// The layer that scans.
  public var kind: Kind
  /// The paths through the grid.
  public var paths: Paths
  /// How the directions are put together.
  public var merge: Merge
  /// Widths of the mixer; for `gridScan`, `convolutionWidth` is the side of the convolution over the grid.
  public var mixer: MambaMixerDescription
  /// Patches from top to bottom.
  public var gridRows: Int
  /// Patches from left to right.
  public var gridColumns: Int

  /// Gathers the parts of a scan over a grid.
  public init(
    kind: Kind, paths: Paths, merge: Merge, mixer: MambaMixerDescription, gridRows: Int,
    gridColumns: Int
  ) {
    self.kind = kind
    self.paths = paths
    self.merge = merge
    self.mixer = mixer
    self.gridRows = gridRows
    self.gridColumns = gridColumns
  }
}

/// The text around a question about an image, which follows the image's embeddings.
public struct PromptDescription: Codable, Sendable, Equatable {
  /// The text before the question.
  public var prefix: String
  /// The text between question and answer.
  public var suffix: String

  /// Gathers the text around a question.
  public init(prefix: String, suffix: String) {
    self.prefix = prefix
    self.suffix = suffix
  }

  /// The prompt for a question; a text that already has this form stays as it is.
  public func text(for question: String) -> String {
    question.hasPrefix(prefix) && question.hasSuffix(suffix) && !prefix.isEmpty
      ? question : prefix + question + suffix
  }
}
