import Format
import Quant

/// Codes of fixed width, of which every matrix gets one.
///
/// A position is the number of bytes that all matrices together may take.
struct FixedLadder: BudgetLadder {
  /// A matrix and what its encodings cost and harm.
  struct Candidate: Sendable {
    let entry: ConversionPlan.Entry
    let choices: [UpgradePath.Choice]
  }

  let candidates: [Candidate]
  /// Bytes of the file that belong to no candidate.
  let overhead: Int

  let family = "q"
  let bytesPerStep = 1.0

  /// What a matrix may get. Widths and groups give sizes close to each other.
  static let encodings =
    ["q4"]
    + [5, 6, 8].flatMap { bits in
      [256, 64, 16].map { GroupEncoding(bits: bits, groupSize: $0).name }
    }

  var range: ClosedRange<Int> { UpgradePath.range(candidates.map(\.choices)) }

  func position(forBytes bytes: Int) -> Int { bytes - overhead }

  func recipe(at position: Int) -> Recipe {
    let chosen =
      UpgradePath.allocate(candidates.map(\.choices), within: position) ?? candidates.map { _ in 0 }
    let rules = zip(candidates, chosen).map { candidate, choice in
      Recipe.Rule(tensor: candidate.entry.name, encoding: "", reason: "matrix")
        .budgeted(Self.encodings[choice])
    }
    let rest = Recipe.Rule(encoding: Recipe.sourceEncoding, reason: "no matrix to round")
    return Recipe(name: "q", rules: SmallParameters.besideGroups + rules + [rest])
  }
}

extension FixedLadder {
  /// Measures what every encoding costs and harms.
  ///
  /// - Parameter progress: told how many of the encodings are done.
  init(
    _ checkpoint: Checkpoint, keepNonFinite: Bool, sensitivity: Sensitivity, codec: Codec,
    pool: ThreadPool, progress: ProgressReport
  ) throws {
    var entries = [ConversionPlan.Entry]()
    var choices = [String: [UpgradePath.Choice]]()
    var overhead = 0
    for (index, encoding) in Self.encodings.enumerated() {
      progress(index, Self.encodings.count)
      let plan = try ConversionPlan(
        checkpoint,
        recipe: Recipe(
          name: "q", rules: SmallParameters.besideGroups + [Recipe.Rule(encoding: encoding)]),
        keepNonFinite: keepNonFinite)
      entries = plan.entries.filter { !$0.encoding.isElementwise }
      let writer = try PackWriter(counting: codec, threads: pool.threads)
      let pipeline = ConversionPipeline(plan, threads: pool)
      let storedBytes = try pipeline.write(to: writer) { _, _ in }
      try pipeline.seal(writer)
      overhead = writer.byteCount
      for entry in entries {
        let bytes = storedBytes[entry.name] ?? 0
        overhead -= bytes
        let error = try plan.roundingError(entry, pool)
        choices[entry.name, default: []].append(
          UpgradePath.Choice(
            bytes: bytes,
            harm: sensitivity.factor(entry) * Double(entry.elementCount) * error.relative))
      }
    }
    candidates = entries.map { Candidate(entry: $0, choices: choices[$0.name] ?? []) }
    self.overhead = overhead
  }
}

extension ConversionPlan {
  /// The error of a tensor in its encoding, block after block; the sums do not depend on the number of threads.
  func roundingError(_ entry: Entry, _ pool: ThreadPool) throws -> SquaredError {
    var total = SquaredError()
    for rows in RowBlocks(rows: entry.rows, columns: entry.columns) {
      let shares = stride(from: rows.lowerBound, to: rows.upperBound, by: Self.rowsAtOnce).map {
        $0..<min($0 + Self.rowsAtOnce, rows.upperBound)
      }
      let errors = try pool.map(shares.count) { index in
        let (values, _) = try values(entry, rows: shares[index])
        let matrix = Matrix(rows: shares[index].count, columns: entry.columns, values: values)
        let encoded = try EncodedMatrix(matrix, encoding: entry.encoding).expanded()
        return SquaredError(
          values, errors: zip(values, encoded.values).map { $0 - $1 })
      }
      total = errors.reduce(total) { $0 + $1 }
    }
    return total
  }

  private static let rowsAtOnce = 64
}
