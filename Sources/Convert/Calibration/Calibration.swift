import Format
import Foundation
import Quant
import Runtime
import Synchronization

/// Encodes the matrices of a language model with knowledge of their inputs, layer after layer.
///
/// Sequences run through a layer as it is in the checkpoint, which shows the inputs of its matrices; the matrices are
/// encoded; and the sequences run through the layer once more with the encoded matrices, so that the next layer is fitted
/// to what it will get. In memory are the sequences at one place of the model and one layer.
final class Calibration {
  /// Tokens whose inputs are in memory at a time.
  private static let tokensAtOnce = 2048

  private let plan: ConversionPlan
  private let source: CheckpointWeightSource
  private let shape: LanguageDescription
  private let isStrict: Bool
  private let balancesDepth: Bool
  private let pool: ThreadPool
  private let context = ExecutionContext()
  private var sequences = [CalibrationSequence]()
  /// What an earlier calibration gathered; the model does not run if there is something.
  private let stored: StatisticsReader?
  /// Where to write what is gathered.
  private var gathered: StatisticsWriter?
  private var nextLayer = 0
  private var finished = [String: EncodedTensor]()

  /// Reads what to calibrate on.
  init(_ plan: ConversionPlan, _ options: CalibrationOptions, threads: ThreadPool) throws {
    self.plan = plan
    pool = threads
    isStrict = options.isStrict
    balancesDepth = options.balancesDepth
    source = try CheckpointWeightSource(plan.checkpoint)
    guard let shape = plan.description.language else {
      throw ModelError.missingPart("language model", needed: "--calibrate")
    }
    self.shape = shape
    stored = try options.statistics.flatMap { path in
      FileSystem.exists(path) ? try StatisticsReader(path: path) : nil
    }
    if let stored {
      try stored.requireFitting(plan, options)
    } else {
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

  private func calibrateLayer() throws {
    let entries = plan.calibrated(layer: nextLayer)
    let moments = try stored?.moments(of: entries) ?? observe(entries, layer: nextLayer)
    for entry in entries { try gathered?.append(moments[entry.name], of: entry) }
    let factors = pool.map(entries.count) { index in
      moments[entries[index].name].flatMap { FeedbackFactor($0) }
    }
    var encoded = [String: EncodedMatrix]()
    for (entry, factor) in zip(entries, factors) {
      let tokens = moments[entry.name]?.tokens ?? 0
      let tensor = try encode(entry, factor, tokens: tokens)
      finished[entry.name] = tensor
      encoded[entry.name] = try EncodedMatrix(
        encoding: entry.encoding, rows: entry.rows, columns: entry.columns, planes: tensor.planes)
    }
    if stored == nil { try advance(through: encoded) }
    nextLayer += 1
  }

  /// The moments of the inputs of some matrices of a layer, by their names.
  private func observe(
    _ entries: [ConversionPlan.Entry], layer: Int
  ) throws -> [String: Hessian] {
    let weights = CalibrationWeights(source)
    let runnable = try LanguageLayer(weights, shape, index: layer)
    var moments = Dictionary(
      uniqueKeysWithValues: entries.map { ($0.name, Hessian(columns: $0.columns)) })
    for range in batches {
      let batch = Array(sequences[range])
      let inputs = pool.map(batch.count) { [context] index in
        let seen = Mutex([String: Matrix]())
        let observed = context.observed { matrix, input in
          guard let name = weights.name(of: matrix) else { return }
          seen.withLock { $0[name] = input.copied }
        }
        _ = runnable.run(batch[index].stream, observed)
        return seen.withLock { $0 }
      }
      let tokenWeights = batch.flatMap(\.weights)
      for name in moments.keys {
        let parts = inputs.compactMap { $0[name] }
        moments[name]?.add(parts.joinedRows, weights: tokenWeights, threads: pool)
      }
    }
    return moments
  }

  /// Sequences that run together: as many as have about `tokensAtOnce` tokens.
  private var batches: [Range<Int>] {
    var batches = [Range<Int>]()
    var (start, tokens) = (0, 0)
    for (index, sequence) in sequences.enumerated() {
      tokens += sequence.weights.count
      guard tokens >= Self.tokensAtOnce || index == sequences.count - 1 else { continue }
      batches.append(start..<index + 1)
      (start, tokens) = (index + 1, 0)
    }
    return batches
  }

  /// Runs the sequences through the next layer with its encoded matrices.
  private func advance(through encoded: [String: EncodedMatrix]) throws {
    let layer = try LanguageLayer(
      CalibrationWeights(source, replacing: encoded), shape, index: nextLayer)
    sequences.advance(through: layer, context, threads: pool)
  }

  /// Encodes with feedback, or as without calibration if there is no factor.
  ///
  /// - Parameter rowFactors: what the steps of the rows of a fine grid are multiplied by.
  private func encode(
    _ entry: ConversionPlan.Entry, _ factor: FeedbackFactor?, tokens: Int,
    rowFactors: [Float]? = nil
  ) throws -> EncodedTensor {
    guard let factor else { return try encodePlainly(entry, tokens: tokens) }
    let record = CalibrationRecord(
      method: .feedback, tokens: tokens, damping: factor.damping, deadInputs: factor.deadInputs)
    guard let encoding = entry.encoding as? EntropyEncoding else {
      return try encode(entry, .moments(factor), record)
    }
    let rowFactors = rowFactors ?? depthFactors(entry)
    return try encode(entry, record) { values, rows in
      let matrix = try EntropyMatrix(
        values, rows: rows.count, columns: entry.columns, encoding: encoding, factor: factor,
        rowFactors: rowFactors.map { Array($0[rows]) }, threads: pool)
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
    _ entry: ConversionPlan.Entry, _ inputs: CalibratedMatrix.Inputs, _ record: CalibrationRecord
  ) throws -> EncodedTensor {
    guard let encoding = entry.encoding as? any SteppedEncoding else {
      throw ConvertError.notCalibrated(
        tensor: entry.name, reason: "the encoding \(entry.encoding.name) has no steps")
    }
    return try encode(entry, record) { values, rows in
      let matrix = try CalibratedMatrix(
        values, rows: rows.count, columns: entry.columns, encoding: encoding, inputs: inputs,
        threads: pool)
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

  /// What the last projections of early layers add to the stream all later ones read: they get finer steps, and the
  /// late ones wider ones. The exponent was found on trained models.
  private func depthFactors(_ entry: ConversionPlan.Entry) -> [Float]? {
    guard balancesDepth, entry.name.hasSuffix(".outputProjection.weight") else { return nil }
    let depth = 2 * Float(nextLayer + 1) / Float(max(1, shape.layers.count))
    return [Float](repeating: pow(depth, 0.4), count: entry.rows)
  }
}

extension Calibration {
  /// The head, or the embedding that is one: its inputs are the outputs of the final norm.
  ///
  /// A head that is the embedding is weighted only, unless its grid is fine: its rows are inputs as well, and feedback
  /// would move them.
  private func head(_ entry: ConversionPlan.Entry) throws -> EncodedTensor {
    let moments = try stored?.moments(of: entry) ?? headMoments(entry)
    try gathered?.append(moments, of: entry)
    let isFine = entry.encoding is EntropyEncoding
    if entry.role == .embedding, isFine || gathered != nil {
      let importance = try stored?.importance(of: entry) ?? tokenImportance(entry)
      try gathered?.append(importance)
      if isFine { return try fineEmbedding(entry, moments, importance) }
    }
    let factor = FeedbackFactor(moments)
    guard entry.role == .embedding, let factor else {
      return try encode(entry, factor, tokens: moments.tokens)
    }
    return try encode(
      entry, .importance(factor.importance),
      CalibrationRecord(method: .importance, tokens: moments.tokens))
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

  private func headMoments(_ entry: ConversionPlan.Entry) throws -> Hessian {
    let normalization = try finalNormalization()
    var moments = Hessian(columns: entry.columns)
    for range in batches {
      let streams = sequences[range].map { normalization($0.stream, context.engine) }
      moments.add(
        streams.joinedRows, weights: sequences[range].flatMap(\.weights), threads: pool)
    }
    return moments
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

extension [Matrix] {
  /// All rows, one matrix below the other.
  fileprivate var joinedRows: Matrix {
    Matrix(
      rows: reduce(0) { $0 + $1.rows }, columns: first?.columns ?? 0, values: flatMap(\.values))
  }
}
