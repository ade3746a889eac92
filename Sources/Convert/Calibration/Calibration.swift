import Format
import Foundation
import Quant
import Runtime
import Synchronization

/// Encodes the matrices of a language model with knowledge of their inputs, layer after layer.
///
/// Sequences run through a layer as it is in the checkpoint, which shows what the original model makes of its stream, and
/// through the layer with its encoded matrices, so that each is fitted to what it will get. In memory are both streams of
/// all tokens at one place of the model, what enters the last product of one layer, and that layer.
final class Calibration {
  /// Tokens whose inputs are in memory at a time.
  static let tokensAtOnce = 2048

  let plan: ConversionPlan
  let source: CheckpointWeightSource
  let shape: LanguageDescription
  private let isStrict: Bool
  let pool: ThreadPool
  let context = ExecutionContext()
  var sequences = [CalibrationSequence]()
  /// What an earlier calibration gathered; the model does not run if there is something.
  let stored: StatisticsReader?
  /// Where to write what is gathered.
  var gathered: StatisticsWriter?
  var nextLayer = 0
  var finished = [String: EncodedTensor]()

  /// Reads what to calibrate on.
  init(_ plan: ConversionPlan, _ options: CalibrationOptions, threads: ThreadPool) throws {
    self.plan = plan
    pool = threads
    isStrict = options.isStrict
    source = try CheckpointWeightSource(plan.checkpoint)
    guard let shape = plan.description.language else {
      throw ModelError.missingPart("language model", needed: "--calibrate")
    }
    self.shape = shape
    stored = try options.statistics.flatMap { path in
      FileSystem.exists(path) ? try StatisticsReader(path: path, fitting: plan, options) : nil
    }
    if stored == nil {
      sequences = try readSequences(options)
      gathered = try options.statistics.map { path in
        try StatisticsWriter(
          path: path, StatisticsDescription(plan, options, sequences: sequences), plan)
      }
    }
  }

  private func readSequences(_ options: CalibrationOptions) throws -> [CalibrationSequence] {
    let reader = CalibrationReader(
      model: try ModelLoader.encoders(plan.checkpoint, source, context: context),
      embedding: try source.matrix(
        "language.embedding.weight", rows: shape.vocabularySize, columns: shape.width),
      pool: pool)
    return try reader.sequences(options)
  }

  /// Gives the file of statistics its name, if there is one to write.
  func finish() throws { try gathered?.publish() }

  /// The tensor of an entry; nothing if the entry is encoded without calibration.
  func tensor(_ entry: ConversionPlan.Entry) throws -> EncodedTensor? {
    guard entry.isCalibrated else { return nil }
    while finished[entry.name] == nil, nextLayer < shape.layers.count { try calibrateLayer() }
    if let tensor = finished.removeValue(forKey: entry.name) { return tensor }
    return try head(entry)
  }

  /// Encodes with feedback, or as without calibration if there is no factor.
  ///
  /// - Parameter rowFactors: what the steps of the rows of a fine grid are multiplied by.
  func encode(
    _ entry: ConversionPlan.Entry, _ factor: FeedbackFactor?, tokens: Int,
    correction: Correction? = nil, rowFactors: [Float]? = nil
  ) throws -> EncodedTensor {
    guard let factor else { return try encodePlainly(entry, tokens: tokens) }
    let record = CalibrationRecord(
      method: .feedback, tokens: tokens, damping: factor.damping, deadInputs: factor.deadInputs,
      correction: correction.map { _ in Correction.strength })
    guard let encoding = entry.encoding as? EntropyEncoding else {
      return try encode(entry, .moments(factor), record, correction)
    }
    return try encode(entry, record) { values, rows in
      let matrix = try EntropyMatrix(
        values, rows: rows.count, columns: entry.columns, encoding: encoding, factor: factor,
        correction: correction?.rows(rows), rowFactors: rowFactors.map { Array($0[rows]) },
        threads: pool)
      return (matrix.planes, matrix.weightError, matrix.outputError)
    }
  }

  private func encodePlainly(_ entry: ConversionPlan.Entry, tokens: Int) throws -> EncodedTensor {
    let reason = "the moments of its inputs have no Cholesky factor"
    guard !isStrict else { throw ConvertError.notCalibrated(tensor: entry.name, reason: reason) }
    return EncodedTensor(
      planes: try plan.encoded(entry) { values, rows in
        try entry.encoding.encode(values, rows: rows.count, columns: entry.columns)
      },
      record: CalibrationRecord(method: .plain, tokens: tokens, fallback: reason))
  }

  private func encode(
    _ entry: ConversionPlan.Entry, _ inputs: CalibratedMatrix.Inputs, _ record: CalibrationRecord,
    _ correction: Correction? = nil
  ) throws -> EncodedTensor {
    guard let encoding = entry.encoding as? any SteppedEncoding else {
      throw ConvertError.notCalibrated(
        tensor: entry.name, reason: "the encoding \(entry.encoding.name) has no steps")
    }
    return try encode(entry, record) { values, rows in
      let matrix = try CalibratedMatrix(
        values, rows: rows.count, columns: entry.columns, encoding: encoding, inputs: inputs,
        correction: correction?.rows(rows), threads: pool)
      return (matrix.planes, matrix.weightError, matrix.outputError ?? SquaredError())
    }
  }

  /// Encodes in blocks of rows and notes the errors of all in the record.
  private func encode(
    _ entry: ConversionPlan.Entry, _ record: CalibrationRecord,
    _ block: (_ values: [Float], _ rows: Range<Int>) throws -> (
      planes: [[UInt8]], weight: SquaredError, output: SquaredError
    )
  ) throws -> EncodedTensor {
    var (weight, output) = (SquaredError(), SquaredError())
    let planes = try plan.encoded(entry) { values, rows in
      let block = try block(values, rows)
      weight = weight + block.weight
      output = output + block.output
      return block.planes
    }
    var record = record
    record.weightSNR = weight.decibels
    record.outputSNR = output.decibels
    return EncodedTensor(planes: planes, record: record)
  }
}

extension Calibration {
  /// The head, or the embedding that is one: its inputs are the outputs of the final norm.
  ///
  /// A head that is the embedding is weighted only, unless its grid is fine: its rows are inputs as well, and feedback
  /// would move them.
  private func head(_ entry: ConversionPlan.Entry) throws -> EncodedTensor {
    let inputs = try stored?.inputs(of: entry) ?? headInputs(entry)
    try gathered?.append(inputs, of: entry)
    let isFine = entry.encoding is EntropyEncoding
    if entry.role == .embedding, isFine || gathered != nil {
      let importance = try stored?.importance(of: entry) ?? tokenImportance(entry)
      try gathered?.append(importance)
      if isFine { return try fineEmbedding(entry, inputs.moments, importance) }
    }
    let factor = FeedbackFactor(inputs.moments)
    guard entry.role == .embedding, let factor else {
      return try encode(entry, factor, tokens: inputs.tokens)
    }
    return try encode(
      entry, .importance(factor.importance),
      CalibrationRecord(method: .importance, tokens: inputs.tokens))
  }

  /// Rows of a rounded embedding differ in how much they matter: tokens that are never likely are hardly read either.
  private func fineEmbedding(
    _ entry: ConversionPlan.Entry, _ moments: Hessian, _ importance: TokenImportance
  ) throws -> EncodedTensor {
    var moments = moments
    moments.addIsotropic(share: TokenImportance.inputShare)
    return try encode(
      entry, FeedbackFactor(moments), tokens: moments.tokens, rowFactors: importance.rowFactors)
  }

  private func headInputs(_ entry: ConversionPlan.Entry) throws -> LayerInputs {
    let normalization = try finalNormalization()
    var inputs = LayerInputs(entry)
    for range in batches {
      let streams = sequences[range].map { normalization($0.stream, context.engine) }
      inputs.add(
        streams.joinedRows, missing: nil, weights: sequences[range].flatMap(\.weights),
        threads: pool)
    }
    return inputs
  }

  private func tokenImportance(_ entry: ConversionPlan.Entry) throws -> TokenImportance {
    let normalization = try finalNormalization()
    let head = try source.matrix(
      "language.embedding.weight", rows: entry.rows, columns: entry.columns)
    var importance = TokenImportance(vocabulary: entry.rows)
    for sequence in sequences where importance.positions < TokenImportance.enoughPositions {
      let hidden = normalization(sequence.stream, context.engine)
      for first in stride(from: 0, to: hidden.rows, by: TokenImportance.positionsAtOnce) {
        let rows = first..<min(first + TokenImportance.positionsAtOnce, hidden.rows)
        let logits = context.engine.linear(hidden.rows(rows), head, bias: nil)
        importance.add(context.engine.logSoftmax(logits))
      }
    }
    return importance
  }

  private func finalNormalization() throws -> Normalization {
    try Normalization(
      source, "language.normalization", shape.normalization, width: shape.width,
      epsilon: shape.epsilon)
  }
}
