/// What stands between a vision encoder and a language model.
public struct ConnectorDescription: Codable, Sendable, Equatable {
  /// The arrangement of its layers. VL-Mamba (arXiv:2403.13600), Cobra (arXiv:2403.14520), ML-Mamba (arXiv:2407.19832).
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// Projections with GELU between them.
    case projections
    /// The same, then pooling to fewer patches (Cobra's LDPv2).
    case pooledProjections
    /// A scan with a residual, then projections (VL-Mamba's VSS-MLP).
    case scanMLP
    /// Projection, scan with a residual, projection (VL-Mamba's VSS-L2).
    case scanLinear
    /// Projection and GELU, layers of bidirectional Mamba-2, projections (ML-Mamba).
    case bidirectionalMixers
  }

  /// The arrangement of its layers.
  public var kind: Kind
  /// Width of the vision features.
  public var inputWidth: Int
  /// Width of the language model.
  public var outputWidth: Int
  /// Widths between the projections.
  public var innerWidths: [Int]
  /// The pooling, for the kind that has one.
  public var pooling: PatchPoolingDescription?
  /// The layers of bidirectional mixers, for the kind that has them.
  public var mixers: BidirectionalMixersDescription?
  /// The two-dimensional scan, for the kinds that have one.
  public var scan: GridScanDescription?
  /// Normalization after the scan.
  public var normalization: NormalizationKind?
  /// Added to the variance in that normalization.
  public var epsilon: Double

  /// Gathers the parts of a connector.
  public init(
    kind: Kind, inputWidth: Int, outputWidth: Int, innerWidths: [Int] = [],
    pooling: PatchPoolingDescription? = nil, mixers: BidirectionalMixersDescription? = nil,
    scan: GridScanDescription? = nil, normalization: NormalizationKind? = nil,
    epsilon: Double = 1e-5
  ) {
    self.kind = kind
    self.innerWidths = innerWidths
    self.pooling = pooling
    self.mixers = mixers
    self.inputWidth = inputWidth
    self.outputWidth = outputWidth
    self.scan = scan
    self.normalization = normalization
    self.epsilon = epsilon
  }
}

/// Pooling of a grid of patches to a smaller one.
public struct PatchPoolingDescription: Codable, Sendable, Equatable {
  /// Rows of patches before pooling.
  public var gridRows: Int
  /// Columns of patches before pooling.
  public var gridColumns: Int
  /// Rows of patches after pooling.
  public var pooledRows: Int
  /// Columns of patches after pooling.
  public var pooledColumns: Int
  /// Side of the convolution over the pooled grid.
  public var kernel: Int

  /// Gathers the sizes of a pooling.
  public init(gridRows: Int, gridColumns: Int, pooledRows: Int, pooledColumns: Int, kernel: Int) {
    self.gridRows = gridRows
    self.gridColumns = gridColumns
    self.pooledRows = pooledRows
    self.pooledColumns = pooledColumns
    self.kernel = kernel
  }
}

/// Layers of Mamba-2 that read patches forward and backward.
public struct BidirectionalMixersDescription: Codable, Sendable, Equatable {
  /// Number of layers.
  public var layers: Int
  /// Widths of the mixers.
  public var mixer: MambaTwoMixerDescription
  /// Width inside the gated feed-forward layers.
  public var feedForwardWidth: Int

  /// Gathers the widths of the layers.
  public init(layers: Int, mixer: MambaTwoMixerDescription, feedForwardWidth: Int) {
    self.layers = layers
    self.mixer = mixer
    self.feedForwardWidth = feedForwardWidth
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
