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
