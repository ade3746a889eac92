/// The widths of one Mamba-2 mixer.
public struct MambaTwoMixerDescription: Codable, Sendable, Equatable {
  /// Width of its input and output.
  public var width: Int
  /// Number of heads.
  public var heads: Int
  /// Channels of a head.
  public var headWidth: Int
  /// Groups of heads that share B and C.
  public var groups: Int
  /// States of each channel.
  public var stateSize: Int
  /// Taps of the causal convolution.
  public var convolutionWidth: Int
  /// Whether input and output projection have a bias.
  public var hasProjectionBias: Bool
  /// Whether the convolution has a bias.
  public var hasConvolutionBias: Bool
  /// Whether each channel has a skip weight of its own; else each head has one.
  public var hasChannelSkip: Bool
  /// Whether the gated output is normalized, group by group, before the output projection.
  public var hasNormalization: Bool
  /// Added to the mean square in that normalization.
  public var epsilon: Double
  /// The smallest time step.
  public var timeStepMinimum: Double
  /// The largest time step; absent where there is none.
  public var timeStepMaximum: Double?

  /// Gathers the widths of a mixer.
  public init(
    width: Int, heads: Int, headWidth: Int, groups: Int, stateSize: Int, convolutionWidth: Int,
    hasProjectionBias: Bool, hasConvolutionBias: Bool, hasChannelSkip: Bool = false,
    hasNormalization: Bool = true, epsilon: Double = 1e-5, timeStepMinimum: Double = 0,
    timeStepMaximum: Double? = nil
  ) {
    self.width = width
    self.heads = heads
    self.headWidth = headWidth
    self.groups = groups
    self.stateSize = stateSize
    self.convolutionWidth = convolutionWidth
    self.hasProjectionBias = hasProjectionBias
    self.hasConvolutionBias = hasConvolutionBias
    self.hasChannelSkip = hasChannelSkip
    self.hasNormalization = hasNormalization
    self.epsilon = epsilon
    self.timeStepMinimum = timeStepMinimum
    self.timeStepMaximum = timeStepMaximum
  }

  /// Channels of the scan.
  public var innerWidth: Int { heads * headWidth }
  /// Channels of the convolution: x, B and C.
  public var convolvedWidth: Int { innerWidth + 2 * parameterWidth }
  /// Outputs of the input projection: z, x, B, C and the time steps.
  public var projectedWidth: Int { innerWidth + convolvedWidth + heads }
  /// Channels of B or C.
  public var parameterWidth: Int { groups * stateSize }
}
