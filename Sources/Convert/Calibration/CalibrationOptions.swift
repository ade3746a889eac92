/// What a conversion is calibrated on.
public struct CalibrationOptions: Sendable {
  /// Tokens of a sequence of text.
  static let sequenceTokens = 512
  /// Tokens that are read unless another number is asked for: 64 sequences of text.
  public static let defaultTokens = 64 * sequenceTokens

  /// Text files, and question sets whose names end in `.jsonl`; none if there are statistics.
  public var files: [String]
  /// Tokens to read from all files together, about.
  public var tokens: Int
  /// Whether a matrix that cannot be calibrated is an error.
  public var isStrict: Bool
  /// A file of statistics, which is read instead of `files` if it exists, and written otherwise.
  public var statistics: String?

  /// Gathers options.
  public init(
    files: [String], tokens: Int = defaultTokens, isStrict: Bool = false,
    statistics: String? = nil
  ) {
    self.files = files
    self.tokens = tokens
    self.isStrict = isStrict
    self.statistics = statistics
  }
}
