import Format
import Quant
import Runtime

/// Writes what a calibration gathers, matrix by matrix. Without `publish()` nothing remains.
struct StatisticsWriter {
  private var writer: SafetensorsWriter

  /// Creates the file; its tensors come in the order of calibration: layer after layer, then the head.
  init(path: String, _ description: StatisticsDescription, _ plan: ConversionPlan) throws {
    let layers = (0..<(plan.description.language?.layers.count ?? 0)).flatMap {
      plan.calibratedEntries(layer: $0).all
    }
    let inLayers = Set(layers.map(\.name))
    let heads = plan.entries.filter { $0.isCalibrated && !inLayers.contains($0.name) }
    var tensors = (layers + heads).flatMap(StatisticsDescription.tensors)
    if let embedding = heads.first(where: { $0.role == .embedding }) {
      tensors.append((StatisticsDescription.importanceName, .f64, [embedding.rows]))
    }
    writer = try SafetensorsWriter(
      path: path, tensors: tensors,
      metadata: [StatisticsDescription.key: try JSON(encoding: description).canonicalText],
      overwrite: false)
  }

  /// Adds what is known of the inputs of a matrix, which must be numbers.
  mutating func append(_ inputs: LayerInputs?, of entry: ConversionPlan.Entry) throws {
    try append(inputs?.moments.triangle, of: entry)
    if entry.lackShape != nil { try append(inputs?.lack?.values, of: entry) }
  }

  private mutating func append(_ moments: [Double]?, of entry: ConversionPlan.Entry) throws {
    guard let moments, moments.allSatisfy(\.isFinite) else {
      throw ConvertError.notCalibrated(
        tensor: entry.name, reason: "the moments of its inputs, to be written, are not finite")
    }
    try writer.append(doubles: moments)
  }

  mutating func append(_ importance: TokenImportance) throws {
    try writer.append(doubles: importance.sums)
  }

  mutating func publish() throws { try writer.publish() }
}
