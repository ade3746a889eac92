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
    /// The encoding it gets. A calibrated `q4` output projection gets `q4h`.
    public private(set) var encoding: any Encoding
    /// Why.
    public private(set) var reason: String
    /// Whether it is encoded with knowledge of its inputs.
    public private(set) var isCalibrated: Bool

    /// Bytes in memory once encoded.
    public var byteCount: Int { encoding.byteCount(rows: rows, columns: columns) }
    /// Number of weights.
    public var elementCount: Int { rows * columns }

    /// Marks a rounded matrix of the language model; the reason says so, and of other rounded matrices that they are not.
    fileprivate mutating func calibrate(_ model: ModelDescription) {
      guard encoding is any SteppedEncoding else { return }
      let isHead = role == .head || role == .embedding && model.language?.hasTiedHead == true
      isCalibrated =
        name.hasPrefix("language.") && (role == .projection || isHead)
      // A few inputs of output projections are much larger than the others; those of the rest are alike already.
      if isCalibrated, encoding is SuperBlockEncoding, MatrixPlace(name) == .output {
        encoding = RotatedEncoding()
        reason += "; inputs rotated"
      }
      reason += isCalibrated ? "; calibrated" : "; not calibrated"
    }
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

  /// The encodings of calibrated matrices, with the tiers of entropy codes, by their names.
  var calibratedEncodings: [String: String] {
    Dictionary(
      entries.filter(\.isCalibrated).map {
        ($0.name, ($0.encoding as? EntropyEncoding)?.tier ?? $0.encoding.name)
      }, uniquingKeysWith: { first, _ in first })
  }

  /// Plans a conversion.
  ///
  /// - Parameters:
  ///   - keepNonFinite: keeps matrices that hold NaN or infinities as floats instead of refusing them.
  ///   - calibrating: whether matrices of the language model are encoded with knowledge of their inputs.
  public init(
    _ checkpoint: Checkpoint, recipe: Recipe, keepNonFinite: Bool = false,
    calibrating: Bool = false
  ) throws {
    let layout = try CheckpointLayout(checkpoint)
    self.checkpoint = checkpoint
    self.recipe = recipe
    description = layout.description
    notes = layout.notes
    let parameters = layout.tensors.reduce(0) { $0 + $1.rule.rows * $1.rule.columns }
    let entries = try layout.tensors.map { located in
      var entry = try Self.entry(
        located, recipe, parameters: parameters, keepNonFinite: keepNonFinite)
      if calibrating { entry.calibrate(layout.description) }
      return entry
    }
    // The inputs of an embedding that is the head are known last.
    self.entries =
      entries.filter { !($0.isCalibrated && $0.role == .embedding) }
      + entries.filter { $0.isCalibrated && $0.role == .embedding }
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
      guard named.isElementwise || rule.role.isQuantizable else {
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
      reason: reason, isCalibrated: false)
  }
}

extension ConversionPlan {
  /// Encodes a tensor in blocks of rows and joins the planes.
  func encoded(
    _ entry: Entry, _ encode: (_ values: [Float], _ rows: Range<Int>) throws -> [[UInt8]]
  ) throws -> [[UInt8]] {
    var planes = [[UInt8]](repeating: [], count: entry.encoding.planes.count)
    for rows in RowBlocks(rows: entry.rows, columns: entry.columns) {
      let (values, file) = try values(entry, rows: rows)
      do {
        for (index, bytes) in try encode(values, rows).enumerated()
        where rows.lowerBound == 0 || !entry.encoding.planes[index].isShared {
          planes[index] += bytes
        }
      } catch let error as QuantError {
        throw unencodable(entry, file: file, error.moved(byRows: rows.lowerBound))
      }
    }
    return planes
  }

  /// Some rows of a tensor as floats, and the file they come from.
  func values(_ entry: Entry, rows: Range<Int>) throws -> (values: [Float], file: String) {
    guard let tensor = checkpoint.tensors[ExactString(entry.source)] else {
      throw ConvertError.missingFile(entry.source, directory: checkpoint.directory)
    }
    let values = try tensor.file.floats(
      of: tensor.info,
      elements: rows.lowerBound * entry.columns..<rows.upperBound * entry.columns)
    return (values, tensor.file.path)
  }

  func unencodable(_ entry: Entry, file: String, _ error: QuantError) -> ConvertError {
    .unencodable(
      tensor: entry.source, file: file, encoding: entry.encoding.name, reason: error.description)
  }
}
