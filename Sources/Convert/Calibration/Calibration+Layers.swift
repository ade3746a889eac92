import Quant
import Runtime

extension Calibration {
  /// Encodes the matrices of the next layer and runs the sequences through it.
  func calibrateLayer() throws {
    let entries = plan.calibratedEntries(layer: nextLayer)
    var encoded = [String: EncodedMatrix]()
    if let stored {
      try encode(entries.ahead, stored.inputs(of: entries.ahead), into: &encoded)
      try encode(entries.outputs, stored.inputs(of: entries.outputs), into: &encoded)
    } else {
      try encode(entries.ahead, advanceOriginals(showing: entries.ahead), into: &encoded)
      try advance(encoding: entries.outputs, into: &encoded)
    }
    nextLayer += 1
  }

  /// Encodes some matrices of the layer, fitted to their inputs.
  private func encode(
    _ entries: [ConversionPlan.Entry], _ inputs: [String: LayerInputs],
    into encoded: inout [String: EncodedMatrix]
  ) throws {
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

  /// Runs the streams of the original model through the layer as it is in the checkpoint, and shows the inputs of all
  /// matrices but the last: those that read the stream get it from encoded layers, the ones behind them, whose inputs
  /// hardly differ, from the original.
  private func advanceOriginals(
    showing entries: [ConversionPlan.Entry]
  ) throws -> [String: LayerInputs] {
    let layer = try ObservedLayer(source, shape, index: nextLayer, showing: entries.map(\.name))
    let normalization = try Normalization(
      source, "language.layers.\(nextLayer).normalization", shape.normalization,
      width: shape.width, epsilon: shape.epsilon)
    var seen = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, LayerInputs($0)) })
    for range in batches {
      let batch = Array(sequences[range])
      let runs = pool.map(batch.count) { [context] in layer.run(batch[$0].original, context) }
      for entry in entries {
        let originals = runs.compactMap { $0.inputs[entry.name] }.joinedRows
        let readsStream = MatrixPlace(entry.name) == .input
        let inputs =
          readsStream ? normalization(batch.map(\.stream).joinedRows, context.engine) : originals
        seen[entry.name]?.add(
          inputs, missing: readsStream ? originals.subtracting(inputs) : nil,
          weights: batch.flatMap(\.weights), threads: pool)
      }
      for (index, run) in zip(range, runs) { sequences[index].original = run.output }
    }
    return seen
  }

  /// Runs the sequences through the layer with encoded matrices. The last ones are encoded on the way, when it is known
  /// what the others make of their inputs and what the stream behind the layer is short of.
  private func advance(
    encoding entries: [ConversionPlan.Entry], into encoded: inout [String: EncodedMatrix]
  ) throws {
    let layer = try LanguageLayer(
      CalibrationWeights(source, replacing: encoded), shape, index: nextLayer)
    let inputs = pool.map(sequences.count) { [sequences, context] in
      layer.outputProjectionInputs(sequences[$0].stream, context)
    }
    var seen = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, LayerInputs($0)) })
    for range in entries.isEmpty ? [] : batches {
      let batch = Array(sequences[range])
      let outputs = finish(layer, range, inputs)
      let missing = batch.map(\.original).joinedRows.subtracting(outputs.joinedRows)
      for entry in entries {
        seen[entry.name]?.add(
          inputs[range].joinedRows, missing: missing, weights: batch.flatMap(\.weights),
          threads: pool)
      }
    }
    try encode(entries, seen, into: &encoded)
    let encodedLayer = try LanguageLayer(
      CalibrationWeights(source, replacing: encoded), shape, index: nextLayer)
    sequences.replaceStreams(by: finish(encodedLayer, sequences.indices, inputs))
  }

  /// The streams of some sequences behind the layer, given the inputs of its last product.
  private func finish(
    _ layer: LanguageLayer, _ range: Range<Int>, _ inputs: [Matrix]
  ) -> [Matrix] {
    pool.map(range.count) { [sequences, context] in
      let index = range.lowerBound + $0
      return layer.run(sequences[index].stream, outputProjectionInputs: inputs[index], context)
    }
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
}

extension Matrix {
  fileprivate func subtracting(_ other: Matrix) -> Matrix {
    Matrix(rows: rows, columns: columns, values: zip(values, other.values).map { $0 - $1 })
  }
}

extension Collection<Matrix> {
  /// All rows, one matrix below the other.
  var joinedRows: Matrix {
    Matrix(
      rows: reduce(0) { $0 + $1.rows }, columns: first?.columns ?? 0, values: flatMap(\.values))
  }
}
