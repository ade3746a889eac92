import Quant
import Runtime

extension Calibration {
  /// Encodes the matrices of the next layer and runs the sequences through it.
  func calibrateLayer() throws {
    let stages = plan.calibrationStages(layer: nextLayer)
    var encoded = [String: EncodedMatrix]()
    try encode(stages[0], into: &encoded)
    if stored == nil { try advanceOriginals() }
    try encode(stages[1], into: &encoded)
    if stored == nil { try advance(through: encoded) }
    nextLayer += 1
  }

  /// Encodes some matrices of the layer, fitted to what the encoded ones make of the stream.
  private func encode(
    _ entries: [ConversionPlan.Entry], into encoded: inout [String: EncodedMatrix]
  ) throws {
    guard !entries.isEmpty else { return }
    let inputs = try stored?.inputs(of: entries) ?? observe(entries, through: encoded)
    for entry in entries { try gathered?.append(inputs[entry.name], of: entry) }
    let fits = pool.map(entries.count) { inputs[entries[$0].name]?.fit(entries[$0]) }
    for (entry, fit) in zip(entries, fits) {
      let tensor = try encode(
        entry, fit?.factor, tokens: inputs[entry.name]?.tokens ?? 0, correction: fit?.correction)
      finished[entry.name] = tensor
      encoded[entry.name] = try EncodedMatrix(
        encoding: entry.encoding, rows: entry.rows, columns: entry.columns, planes: tensor.planes)
    }
  }

  /// What the inputs of some matrices are, and what is lacking.
  private func observe(
    _ entries: [ConversionPlan.Entry], through encoded: [String: EncodedMatrix]
  ) throws -> [String: LayerInputs] {
    let layer = try ObservedLayer(source, shape, index: nextLayer, replacing: encoded)
    let normalization = try Normalization(
      source, "language.layers.\(nextLayer).normalization", shape.normalization,
      width: shape.width, epsilon: shape.epsilon)
    var seen = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, LayerInputs($0)) })
    for range in batches {
      let batch = Array(sequences[range])
      let runs = pool.map(batch.count) { [context] in layer.run(batch[$0].stream, context) }
      let originals = batch.map(\.original).joinedRows
      for entry in entries {
        let inputs = runs.compactMap { $0.inputs[entry.name] }.joinedRows
        let missing: Matrix? =
          switch MatrixPlace(entry.name) {
          case .input: normalization(originals, context.engine).subtracting(inputs)
          case .inner: nil
          case .output: originals.subtracting(runs.map(\.output).joinedRows)
          }
        seen[entry.name]?.add(
          inputs, missing: missing, weights: batch.flatMap(\.weights), threads: pool)
      }
    }
    return seen
  }

  /// Sequences that run together: as many as have about `tokensAtOnce` tokens.
  var batches: [Range<Int>] {
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

  /// Runs the streams of the original model through the layer as it is in the checkpoint.
  private func advanceOriginals() throws {
    let layer = try LanguageLayer(source, shape, index: nextLayer)
    sequences.advance(\.original, through: layer, context, threads: pool)
  }

  /// Runs the sequences through the next layer with its encoded matrices.
  private func advance(through encoded: [String: EncodedMatrix]) throws {
    let layer = try LanguageLayer(
      CalibrationWeights(source, replacing: encoded), shape, index: nextLayer)
    sequences.advance(\.stream, through: layer, context, threads: pool)
  }
}

extension Matrix {
  fileprivate func subtracting(_ other: Matrix) -> Matrix {
    Matrix(rows: rows, columns: columns, values: zip(values, other.values).map { $0 - $1 })
  }
}

extension [Matrix] {
  /// All rows, one matrix below the other.
  var joinedRows: Matrix {
    Matrix(
      rows: reduce(0) { $0 + $1.rows }, columns: first?.columns ?? 0, values: flatMap(\.values))
  }
}
