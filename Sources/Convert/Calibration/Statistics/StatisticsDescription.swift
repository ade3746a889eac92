import Format
import Quant
import Runtime

/// What a file of calibration statistics says about itself. `docs/statistics.md` describes the file.
struct StatisticsDescription: Codable, Sendable, Equatable {
  /// A file that was calibrated on.
  struct Text: Codable, Sendable, Equatable {
    /// Without folders.
    let name: String
    let bytes: Int
    let sha256: String
  }

  /// The key of the file's metadata, and the newest version of what stands there.
  static let key = "statistics"
  static let currentVersion = 2
  /// The name of the tensor of token importance.
  static let importanceName = "token_importance"

  let version: Int
  /// The identity of the checkpoint.
  let model: String
  /// The recipe whose encoded layers the inputs have gone through. Other recipes have slightly different inputs.
  let recipe: String
  /// The encodings of that recipe, with the tiers of entropy codes, by the names of matrices.
  let encodings: [String: String]
  let texts: [Text]
  /// Tokens that were asked for.
  let requestedTokens: Int
  /// Tokens whose inputs were seen.
  let tokens: Int
  /// Positions whose predictions were seen; absent without an embedding that is the head.
  let importancePositions: Int?

  /// Describes what some sequences will show.
  init(
    _ plan: ConversionPlan, _ options: CalibrationOptions, sequences: [CalibrationSequence]
  ) throws {
    let lengths = sequences.map { $0.stream.rows }
    let entries = plan.entries.filter(\.isCalibrated)
    version = Self.currentVersion
    model = try plan.identity()
    recipe = plan.recipe.name
    encodings = plan.calibratedEncodings
    texts = try options.files.map { try Text(path: $0) }
    requestedTokens = options.tokens
    tokens = lengths.reduce(0, +)
    let hasEmbedding = entries.contains { $0.role == .embedding }
    importancePositions = hasEmbedding ? TokenImportance.positions(of: lengths) : nil
  }

  /// The name of the tensor with the moments of a matrix's inputs.
  static func momentsName(_ matrix: String) -> String { "moments.\(matrix)" }

  /// The name of the tensor with the moments of what a matrix lacks and its inputs.
  static func lackName(_ matrix: String) -> String { "lack.\(matrix)" }

  /// The tensors of a matrix.
  static func tensors(
    of entry: ConversionPlan.Entry
  ) -> [(name: String, dataType: DataType, shape: [Int])] {
    let moments = (
      name: momentsName(entry.name), dataType: DataType.f64,
      shape: [Hessian.triangleCount(columns: entry.columns)]
    )
    guard let lack = entry.lackShape else { return [moments] }
    return [moments, (lackName(entry.name), .f64, [lack.rows, lack.columns])]
  }
}

extension StatisticsDescription.Text {
  init(path: String) throws {
    let file = try MappedFile(path: path)
    self.init(
      name: FileSystem.name(of: path), bytes: file.count,
      sha256: try Format.sha256(of: file).hexText)
  }
}

extension ConversionPlan {
  /// The identity of the checkpoint.
  func identity() throws -> String {
    try ModelLoader.identity(path: checkpoint.directory, vision: checkpoint.visionDirectory)
  }
}
