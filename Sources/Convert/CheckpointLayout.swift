import Format
import Quant
import Runtime

/// A checkpoint whose architecture is known and whose tensors have all been found.
struct CheckpointLayout: Sendable {
  /// A tensor rule and the tensor that answers it.
  struct Located: Sendable {
    let rule: TensorRule
    let tensor: Checkpoint.Tensor

    /// The encoding that keeps the tensor as it is. Doubles become singles.
    var sourceEncoding: FloatEncoding {
      switch tensor.info.dataType {
      case .f16: .f16
      case .bf16: .bf16
      default: .f32
      }
    }

    /// Some rows as floats.
    func floats(rows: Range<Int>) throws -> [Float] {
      try tensor.file.floats(
        of: tensor.info,
        elements: rows.lowerBound * rule.columns..<rows.upperBound * rule.columns)
    }

    /// Whether all values are finite.
    func isFinite() throws -> Bool {
      try RowBlocks(rows: rule.rows, columns: rule.columns).allSatisfy { rows in
        try floats(rows: rows).allSatisfy(\.isFinite)
      }
    }
  }

  let architecture: any Architecture
  let description: ModelDescription
  let tensors: [Located]
  let notes: [String]

  init(_ checkpoint: Checkpoint) throws {
    try Self.refuseQuantized(checkpoint)
    let architecture = try Architectures.recognize(checkpoint)
    self.architecture = architecture
    guard checkpoint.visionDirectory == nil || architecture.acceptsSeparateTowers else {
      throw ConvertError.unwantedTowers(
        profile: architecture.profile, directory: checkpoint.directory)
    }
    var reader = try CheckpointReader(checkpoint, architecture)
    description = try architecture.describe(&reader)
    try description.validate()
    tensors = try Self.locate(architecture.tensors(description), reader)
    notes =
      reader.notes
      + reader.dropped.map { "\($0) is left out: it has no use in \(architecture.profile)" }
    try Self.checkVocabulary(checkpoint, description)
  }

  /// Weights that another tool has quantized are no floats, whatever type their tensors have.
  private static func refuseQuantized(_ checkpoint: Checkpoint) throws(ConvertError) {
    guard let quantization = checkpoint.configuration.present("quantization_config") else { return }
    let method = quantization["quant_method"]?.stringValue
    throw .unsupported(
      option: "quantization_config", found: method.map { "“\($0)”" } ?? "present",
      supported: "a checkpoint with float weights", file: checkpoint.directory + "/config.json")
  }

  /// Finds all tensors, or throws everything that is wrong with them.
  private static func locate(
    _ rules: [TensorRule], _ reader: CheckpointReader
  ) throws(ConvertError) -> [Located] {
    var problems = [CheckpointProblem]()
    var located = [Located]()
    for rule in rules {
      guard let tensor = reader.tensors[ExactString(rule.source)] else {
        problems.append(.missing(rule.source, expected: rule.shape))
        continue
      }
      let name = tensor.info.name
      if tensor.info.shape != rule.shape, !rule.otherShapes.contains(tensor.info.shape) {
        problems.append(.misshapen(name, found: tensor.info.shape, expected: rule.shape))
      } else if ![DataType.f32, .f16, .bf16, .f64].contains(tensor.info.dataType) {
        problems.append(.notFloat(name, type: tensor.info.dataType.rawValue))
      } else {
        located.append(Located(rule: rule, tensor: tensor))
      }
    }
    let used = Set(rules.map(\.source)).union(reader.repeated)
    for (standard, tensor) in reader.tensors.sorted(by: { $0.key < $1.key })
    where !used.contains(standard.text) {
      problems.append(.unused(tensor.info.name, shape: tensor.info.shape))
    }
    guard problems.isEmpty else {
      throw .problems(problems, directory: reader.checkpoint.directory)
    }
    return located
  }

  /// Refuses a tokenizer that does not go with the embedding. Embeddings are often padded to a round number of rows.
  private static func checkVocabulary(
    _ checkpoint: Checkpoint, _ description: ModelDescription
  ) throws {
    guard let rows = description.language?.vocabularySize,
      let bytes = try checkpoint.text("tokenizer.json")
    else { return }
    let file = checkpoint.directory + "/tokenizer.json"
    let tokens = try Tokenizer(parsing: bytes, file: file).vocabularySize
    let padding = max(
      64, min(checkpoint.configuration.present("pad_vocab_size_multiple")?.intValue ?? 1, 1024))
    guard tokens <= rows, rows - tokens < padding else {
      throw ConvertError.tokenizerMismatch(file: file, tokens: tokens, rows: rows)
    }
  }
}

/// Ranges of rows that are read, encoded and written at a time.
struct RowBlocks: Sequence {
  /// Weights of a block.
  static let weights = 1 << 22

  let rows: Int
  let columns: Int

  func makeIterator() -> AnyIterator<Range<Int>> {
    let step = Swift.max(1, Self.weights / Swift.max(1, columns))
    var start = 0
    return AnyIterator {
      guard start < rows else { return nil }
      defer { start += step }
      return start..<Swift.min(start + step, rows)
    }
  }
}
