public import Format
public import Quant
import Runtime

extension ConversionPlan {
  /// How near the tensors of a pack are to the checkpoint's: signal over error in decibels, by canonical name.
  ///
  /// What calibration has recorded is taken as it stands. A tensor whose values are equal has no figure.
  public func weightSNR(
    in pack: PackReader, threads: ThreadPool, progress: ProgressReport
  ) throws -> [String: Double] {
    let weights = PackWeightSource(pack)
    let stored = Dictionary(
      uniqueKeysWithValues: pack.header.tensors.map { (ExactString($0.name), $0) })
    let figures = try threads.map(entries.count, progress: progress) { index in
      let entry = entries[index]
      guard let tensor = stored[ExactString(entry.name)] else {
        throw ModelError.missingTensor(entry.name, file: pack.path)
      }
      return try tensor.calibration?["weightSNR"]?.doubleValue
        ?? error(of: entry, in: weights.matrix(of: tensor)).decibels
    }
    return Dictionary(
      uniqueKeysWithValues: zip(entries, figures).compactMap { entry, figure in
        figure.map { (entry.name, $0) }
      })
  }

  private func error(of entry: Entry, in matrix: EncodedMatrix) throws -> SquaredError {
    var sums = SquaredError()
    for rows in RowBlocks(rows: entry.rows, columns: entry.columns) {
      let exact = try values(entry, rows: rows).values
      let rounded = matrix.expanded(rows: rows).values
      for index in exact.indices {
        let (value, error) = (Double(exact[index]), Double(rounded[index]) - Double(exact[index]))
        sums.signal += value * value
        sums.error += error * error
      }
    }
    return sums
  }
}
