import Foundation
import Quant
import Runtime

/// Measures how much errors in the matrices of a language model matter.
///
/// One group of matrices is rounded, everything else stays as it is, and the predictions are compared with those of the
/// model as it is: the mean divergence over the sum of relative squared errors is what an error of such a weight costs.
/// A group is a kind of projection in neighbouring layers; the embedding and the head are groups of their own.
struct SensitivityProbe {
  /// Tokens that are enough to tell groups apart: halves of a factor change sizes by a few thousandths of a bit.
  private static let tokens = 2048
  /// Groups of layers, at most; with more, a probe would cost more than it gains.
  private static let depths = 8
  /// Errors of rounding to this are large enough to stand out and small enough to add up.
  private static let encoding = EntropyEncoding(thousandths: 4500)
  /// A group may be so many thousandths of a bit from the mean.
  private static let farthest = 2000.0

  private let plan: ConversionPlan
  private let source: CheckpointWeightSource
  private let shape: LanguageDescription
  private let normalization: Normalization
  private let context = ExecutionContext()
  private let options: CalibrationOptions
  private let pool: ThreadPool
  private let reader: (EncodedMatrix) -> CalibrationReader

  /// What a group costs.
  private struct Result {
    let entries: [ConversionPlan.Entry]
    /// Divergence for a relative squared error of one weight.
    let harm: Double

    var weights: Double { entries.reduce(0) { $0 + Double($1.elementCount) } }
  }

  init(_ plan: ConversionPlan, _ options: CalibrationOptions, threads: ThreadPool) throws {
    self.plan = plan
    self.options = CalibrationOptions(
      files: options.files, tokens: min(options.tokens, Self.tokens))
    pool = threads
    source = try CheckpointWeightSource(plan.checkpoint)
    guard let shape = plan.description.language else {
      throw ModelError.missingPart("language model", needed: "--calibrate")
    }
    self.shape = shape
    normalization = try Normalization(
      source, "language.normalization", shape.normalization, width: shape.width,
      epsilon: shape.epsilon)
    let model = try ModelLoader.encoders(plan.checkpoint, source, context: context)
    reader = { CalibrationReader(model: model, embedding: $0, pool: threads) }
  }

  /// The sensitivity of every matrix of the language model; that of other matrices is what it is without probes.
  func sensitivity(progress: ProgressReport) throws -> Sensitivity {
    let results = try measure(progress)
    let weights = results.reduce(0) { $0 + $1.weights }
    let mean = results.reduce(0) { $0 + $1.weights * log2($1.harm) } / max(1, weights)
    let probed = results.flatMap { result in
      let distance = 500 * (log2(result.harm) - mean)
      let bounded = min(max(distance, -Self.farthest), Self.farthest)
      return result.entries.map { entry in
        (
          rule: Recipe.Rule(tensor: entry.name, encoding: "", reason: "probed"),
          thousandths: bounded.isFinite ? Int(bounded.rounded()) : 0
        )
      }
    }
    return Sensitivity(distances: probed + Sensitivity.byClass.distances)
  }

  private func measure(_ progress: ProgressReport) throws -> [Result] {
    let embedding = try matrix("language.embedding.weight")
    let head = shape.hasTiedHead ? embedding : try matrix("language.head.weight")
    var streams = try reader(embedding).sequences(options)
    let reference = try run(streams, layers: shape.layers.indices)
    let groups = Self.layerGroups(shape.layers.count).map { layers in
      (layers, projections(in: layers))
    }
    let total = groups.reduce(2) { $0 + $1.1.count }
    var results = [Result]()
    for (layers, kinds) in groups {
      for entries in kinds {
        let (replaced, error) = try rounded(entries)
        let outputs = try run(
          streams, layers: layers.lowerBound..<shape.layers.count, replacing: replaced)
        results += result(entries, error, divergence(outputs, head, from: reference, head))
        progress(results.count, total)
      }
      streams = try run(streams, layers: layers)
    }
    return try results
      + outer(embedding, head, reference, progress: { progress(total - $0, total) })
  }

  /// The embedding and the head.
  private func outer(
    _ embedding: EncodedMatrix, _ head: EncodedMatrix, _ reference: [CalibrationSequence],
    progress: (Int) -> Void
  ) throws -> [Result] {
    var results = [Result]()
    for entry in plan.entries where entry.name == "language.embedding.weight" {
      let (replaced, error) = try rounded([entry])
      let rounded = replaced[entry.name] ?? embedding
      let outputs = try run(
        try reader(rounded).sequences(options), layers: shape.layers.indices)
      let changed = shape.hasTiedHead ? rounded : head
      results += result([entry], error, divergence(outputs, changed, from: reference, head))
      progress(1)
    }
    for entry in plan.entries where entry.name == "language.head.weight" {
      let (replaced, error) = try rounded([entry])
      results += result(
        [entry], error,
        divergence(reference, replaced[entry.name] ?? head, from: reference, head))
    }
    progress(0)
    return results
  }

  private func result(
    _ entries: [ConversionPlan.Entry], _ error: Double, _ divergence: Double
  ) -> [Result] {
    guard error > 0, divergence > 0, divergence.isFinite else { return [] }
    return [Result(entries: entries, harm: divergence / error)]
  }
}

extension SensitivityProbe {
  private static func layerGroups(_ layers: Int) -> [Range<Int>] {
    let count = min(layers, depths)
    return (0..<count).map { $0 * layers / count..<($0 + 1) * layers / count }
  }

  /// Projections of some layers, those of a kind together.
  private func projections(in layers: Range<Int>) -> [[ConversionPlan.Entry]] {
    var kinds = [String: [ConversionPlan.Entry]]()
    for layer in layers {
      let prefix = "language.layers.\(layer)."
      for entry in plan.entries where entry.role == .projection && entry.name.hasPrefix(prefix) {
        kinds[String(entry.name.dropFirst(prefix.count)), default: []].append(entry)
      }
    }
    return kinds.sorted { $0.key < $1.key }.map(\.value)
  }

  private func matrix(_ name: String) throws -> EncodedMatrix {
    guard let entry = plan.entries.first(where: { $0.name == name }) else {
      throw ModelError.missingTensor(name, file: plan.checkpoint.directory)
    }
    return try source.matrix(name, rows: entry.rows, columns: entry.columns)
  }

  /// Rounded matrices by their names, and the sum of the relative squared errors of their weights.
  private func rounded(
    _ entries: [ConversionPlan.Entry]
  ) throws -> (matrices: [String: EncodedMatrix], error: Double) {
    var (matrices, total) = ([String: EncodedMatrix](), 0.0)
    for entry in entries {
      let exact = try matrix(entry.name).expanded()
      let encoded = try EncodedMatrix(exact, encoding: Self.encoding)
      let errors = zip(exact.values, encoded.expanded().values).map { $0 - $1 }
      total +=
        SquaredError(exact.values, errors: errors).relative * Double(entry.elementCount)
      matrices[entry.name] = encoded
    }
    return (matrices, total)
  }

  private func run(
    _ sequences: [CalibrationSequence], layers: Range<Int>,
    replacing replaced: [String: EncodedMatrix] = [:]
  ) throws -> [CalibrationSequence] {
    var sequences = sequences
    for index in layers {
      let layer = try LanguageLayer(
        CalibrationWeights(source, replacing: replaced), shape, index: index)
      sequences.replaceStreams(
        by: pool.map(sequences.count) { [sequences, context] in
          layer.run(sequences[$0].stream, context)
        })
    }
    return sequences
  }

  /// The mean divergence over the tokens of texts.
  private func divergence(
    _ outputs: [CalibrationSequence], _ head: EncodedMatrix,
    from reference: [CalibrationSequence], _ referenceHead: EncodedMatrix
  ) -> Double {
    let parts = pool.map(outputs.count) { [normalization, context] index in
      func predictions(_ stream: Matrix, _ head: EncodedMatrix) -> Matrix {
        let hidden = normalization(stream, context.engine)
        return context.engine.logSoftmax(context.engine.linear(hidden, head, bias: nil))
      }
      var part = Divergence()
      let rows = outputs[index].stream.rows
      let images = outputs[index].weights.prefix { $0 != 1 }.count
      for first in stride(from: images, to: rows, by: TokenImportance.positionsAtOnce) {
        let rows = first..<min(first + TokenImportance.positionsAtOnce, rows)
        part.add(
          reference: predictions(reference[index].stream.rows(rows), referenceHead),
          model: predictions(outputs[index].stream.rows(rows), head))
      }
      return part
    }
    var total = Divergence()
    for part in parts { total.add(part) }
    return total.mean.mean
  }
}
