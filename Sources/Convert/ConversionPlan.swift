import Format
public import Quant
public import Runtime

/// What a conversion will do, decided before anything is written.
public struct ConversionPlan: Sendable {
  /// One tensor and what becomes of it.
  public struct Entry: Sendable {
    /// The canonical name.
    public let name: String
    /// The name in the checkpoint.
    public let source: String
    /// What the tensor is for.
    public let role: TensorRole
    /// Its shape.
    public let shape: [Int]
    /// Rows when read as a matrix.
    public let rows: Int
    /// Columns when read as a matrix.
    public let columns: Int
    /// The encoding it gets.
    public let encoding: any Encoding
    /// Why.
    public let reason: String

    /// Bytes in memory once encoded.
    public var byteCount: Int { encoding.byteCount(rows: rows, columns: columns) }
    /// Number of weights.
    public var elementCount: Int { rows * columns }
  }

  /// The checkpoint that is read.
  public let checkpoint: Checkpoint
  /// The model that it holds.
  public let description: ModelDescription
  /// All tensors, in the order of the pack.
  public let entries: [Entry]
  /// The recipe that decided the encodings.
  public let recipe: Recipe
  /// What a person should know.
  public let notes: [String]

  /// Number of weights.
  public var parameters: Int { entries.reduce(0) { $0 + $1.elementCount } }

  /// Encoded bytes in memory.
  public var byteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }

  /// Plans a conversion.
  ///
  /// - Parameter keepNonFinite: keeps matrices that hold NaN or infinities as floats instead of refusing them.
  public init(_ checkpoint: Checkpoint, recipe: Recipe, keepNonFinite: Bool = false) throws {
    let layout = try CheckpointLayout(checkpoint)
    self.checkpoint = checkpoint
    self.recipe = recipe
    description = layout.description
    notes = layout.notes
    let parameters = layout.tensors.reduce(0) { $0 + $1.rule.rows * $1.rule.columns }
    entries = try layout.tensors.map { located in
      try Self.entry(located, recipe, parameters: parameters, keepNonFinite: keepNonFinite)
    }
  }

  private static func entry(
    _ located: CheckpointLayout.Located, _ recipe: Recipe, parameters: Int, keepNonFinite: Bool
  ) throws -> Entry {
    let rule = located.rule
    let chosen = try recipe.rule(for: rule.name, rule.role, parameters: parameters)
    var encoding: any Encoding = located.sourceEncoding
    var reason = chosen.reason ?? "recipe"
    if chosen.encoding != Recipe.sourceEncoding {
      guard let named = Encodings.requested(chosen.encoding) else {
        throw ConvertError.unknownEncoding(chosen.encoding, known: Encodings.requestable)
      }
      guard named is FloatEncoding || rule.role.isQuantizable else {
        throw ConvertError.notQuantizable(
          tensor: rule.name, role: rule.role.rawValue, encoding: chosen.encoding)
      }
      encoding = named
    }
    if keepNonFinite, !(encoding is FloatEncoding), try !located.isFinite() {
      encoding = located.sourceEncoding
      reason = "holds values that are not finite"
    }
    return Entry(
      name: rule.name, source: located.tensor.info.name, role: rule.role,
      shape: rule.shape, rows: rule.rows, columns: rule.columns, encoding: encoding,
      reason: reason)
  }
}
