import Format
import Quant
import Runtime

/// What the matrices of entropy tiers become in memory.
public enum ResidentEncoding: String, Sendable, CaseIterable {
  /// Codes of a byte, as they are stored.
  case int8
  /// Encoded once more when they are loaded, as the preset `q4` would encode them: half the memory, at the cost of a
  /// second rounding.
  case q4
}

/// The weights of a pack whose entropy-coded matrices are kept in memory in the encodings of a preset.
struct ResidentWeightSource: WeightSource {
  private let stored: PackWeightSource
  private let file: String
  private let tensors: [ExactString: PackTensor]
  private let parameters: Int
  private let recipe: Recipe
  private let pool: ThreadPool

  /// Refuses packs that have no such matrix.
  init(_ reader: PackReader, preset: String, threads: Int) throws {
    stored = PackWeightSource(reader, threads: threads)
    file = reader.path
    pool = ThreadPool(threads: threads)
    recipe = try Presets.named(preset)
    let all = reader.header.tensors
    guard all.contains(where: { Encodings.named($0.encoding) is EntropyEncoding }) else {
      throw ConvertError.nothingToTranscode(file: file)
    }
    tensors = Dictionary(uniqueKeysWithValues: all.map { (ExactString($0.name), $0) })
    parameters = all.reduce(0) { $0 + $1.rows * $1.columns }
  }

  func matrix(_ name: String, rows: Int, columns: Int) throws -> EncodedMatrix {
    let matrix = try stored.matrix(name, rows: rows, columns: columns)
    guard matrix.encoding is EntropyEncoding, let tensor = tensors[ExactString(name)],
      let role = TensorRole(rawValue: tensor.role)
    else { return matrix }
    let rule = try recipe.rule(for: name, role, parameters: parameters)
    guard let encoding = Encodings.requested(rule.encoding) else { return matrix }
    do {
      return try matrix.transcoded(to: encoding, threads: pool)
    } catch {
      throw ModelError.malformedTensor(name, file: file, reason: error.description)
    }
  }
}
