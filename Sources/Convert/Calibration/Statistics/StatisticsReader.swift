import Format
import Quant

/// What an earlier calibration gathered. Nothing of the file is believed before it is checked.
struct StatisticsReader {
  /// How much a product of inputs may exceed what their mean squares allow, as a share of it: sums are those of
  /// single-precision products.
  private static let tolerance = 1e-3
  /// The largest mean of `p · (1 − p)`, with room for rounding.
  private static let greatestImportance = 0.2501

  private let file: SafetensorsFile
  private let description: StatisticsDescription
  /// Whether what is lacking will be lacking again: it comes from how each weight of earlier layers was rounded.
  private let isOfSameRecipe: Bool

  /// Opens a file and checks that it is what it says: statistics of the checkpoint of a plan, and of the texts to
  /// calibrate on if there are any.
  init(path: String, fitting plan: ConversionPlan, _ options: CalibrationOptions) throws {
    file = try SafetensorsFile(path: path)
    let text = file.metadata[StatisticsDescription.key]
    guard let text else {
      throw FormatError.malformed(
        file: path, item: "the file",
        found: "without “\(StatisticsDescription.key)” in its metadata",
        expected: "statistics of a calibration")
    }
    do {
      description = try JSON(parsing: Array(text.utf8)).decode(as: StatisticsDescription.self)
    } catch {
      throw FormatError.malformedJSON(file: path, error)
    }
    isOfSameRecipe = description.encodings == plan.calibratedEncodings
    try requireSense()
    try requireFitting(plan, options)
  }

  private func requireSense() throws {
    let counts = [description.tokens, description.importancePositions ?? 1]
    guard counts.allSatisfy({ (1...1 << 40).contains($0) }) else {
      throw refusal("the number of tokens", "\(counts)", "a positive number")
    }
    guard description.version == StatisticsDescription.currentVersion else {
      throw refusal(
        "the version", "\(description.version)", "\(StatisticsDescription.currentVersion)")
    }
  }

  private func requireFitting(_ plan: ConversionPlan, _ options: CalibrationOptions) throws {
    let identity = try plan.identity()
    guard description.model == identity else {
      throw refusal(
        "the model that it describes", description.model,
        "\(identity), the identity of "
          + plan.checkpoint.directory)
    }
    guard !options.files.isEmpty else { return }
    let texts = try options.files.map { try StatisticsDescription.Text(path: $0) }
    guard description.texts == texts, description.requestedTokens == options.tokens else {
      let names = description.texts.map(\.name).joined(separator: ", ")
      throw refusal(
        "the calibration that it holds", "one on \(description.requestedTokens) tokens of \(names)",
        "the one that is asked for; without --calibrate it is used as it is")
    }
  }

  /// What is known of the inputs of some matrices, by their names.
  func inputs(of entries: [ConversionPlan.Entry]) throws -> [String: LayerInputs] {
    Dictionary(
      try entries.map { ($0.name, try inputs(of: $0)) }, uniquingKeysWith: { first, _ in first })
  }

  /// What is known of the inputs of a matrix.
  func inputs(of entry: ConversionPlan.Entry) throws -> LayerInputs {
    LayerInputs(entry, moments: try moments(of: entry), lack: try lack(of: entry))
  }

  private func moments(of entry: ConversionPlan.Entry) throws -> Hessian {
    let name = StatisticsDescription.momentsName(entry.name)
    let values = try values(name, shape: [Hessian.triangleCount(columns: entry.columns)])
    guard
      let moments = Hessian(columns: entry.columns, tokens: description.tokens, triangle: values)
    else { throw refusal("tensor \(name)", "\(values.count) values", "a triangle") }
    try check(values, diagonal: moments.diagonal, name)
    return moments
  }

  private func lack(of entry: ConversionPlan.Entry) throws -> CrossMoments? {
    guard isOfSameRecipe, let (rows, columns) = entry.lackShape else { return nil }
    let name = StatisticsDescription.lackName(entry.name)
    let values = try values(name, shape: [rows, columns])
    let limit = Double(Float.greatestFiniteMagnitude) * Double(description.tokens)
    if let wrong = values.firstIndex(where: { !(-limit...limit).contains($0) }) {
      throw refusal("element \(wrong) of \(name)", "\(values[wrong])", "at most \(limit)")
    }
    return CrossMoments(rows: rows, columns: columns, values: values)
  }

  /// How much the tokens of an embedding matter.
  func importance(of entry: ConversionPlan.Entry) throws -> TokenImportance {
    let name = StatisticsDescription.importanceName
    let sums = try values(name, shape: [entry.rows])
    guard let positions = description.importancePositions else {
      throw refusal("the number of positions", "missing", "one, because there is \(name)")
    }
    let limit = Double(positions) * Self.greatestImportance
    if let wrong = sums.firstIndex(where: { !(0...limit).contains($0) }) {
      throw refusal("element \(wrong) of \(name)", "\(sums[wrong])", "0 to \(limit)")
    }
    return TokenImportance(sums: sums, positions: positions)
  }

  /// No mean square is negative or beyond what single precision holds, and no product exceeds the mean squares.
  private func check(_ triangle: [Double], diagonal: [Double], _ name: String) throws {
    let limit = Double(Float.greatestFiniteMagnitude) * Double(description.tokens)
    if let input = diagonal.firstIndex(where: { !(0...limit).contains($0) }) {
      throw refusal(
        "the mean square of input \(input) in \(name)", "\(diagonal[input])", "0 to \(limit)")
    }
    // Squares may have vanished in single precision where products did not.
    let vanished = Double(Float.leastNormalMagnitude) * Double(description.tokens)
    let roots = diagonal.map { ($0 + vanished).squareRoot() * (1 + Self.tolerance) }
    var next = 0
    for row in 0..<roots.count {
      for column in row..<roots.count {
        guard abs(triangle[next]) <= roots[row] * roots[column] else {
          throw refusal(
            "the product of inputs \(row) and \(column) in \(name)", "\(triangle[next])",
            "at most the root of the product of their squares")
        }
        next += 1
      }
    }
  }

  private func values(_ name: String, shape: [Int]) throws -> [Double] {
    guard let tensor = file.tensors[ExactString(name)] else {
      throw refusal(
        "tensor \(name)", "missing",
        "it, because this conversion rounds that matrix (the statistics are from the recipe \(description.recipe))"
      )
    }
    guard tensor.shape == shape else {
      throw refusal("the shape of tensor \(name)", "\(tensor.shape)", "\(shape)")
    }
    return try file.doubles(of: tensor)
  }

  private func refusal(_ item: String, _ found: String, _ expected: String) -> FormatError {
    .malformed(file: file.path, item: item, found: found, expected: expected)
  }
}
