public import Format
public import Quant
import Runtime

/// Writes the model of a pack as a checkpoint that Hugging Face transformers loads.
public enum Unpacking {
  /// Largest safetensors file that is written.
  private static let shardBytes = 4_000_000_000

  /// Writes `model.safetensors` (or shards) in single precision, config.json and the assets of a pack.
  public static func unpack(
    _ reader: PackReader, to directory: String, overwrite: Bool,
    progress: (_ done: Int, _ total: Int) -> Void
  ) throws {
    let description = try reader.modelDescription()
    guard let architecture = Architectures.named(description.profile) else {
      throw ConvertError.unknownProfile(description.profile, file: reader.path)
    }
    let tensors = try outputs(reader, architecture, description)
    if !FileSystem.exists(directory) {
      try FileSystem.createDirectory(directory)
    } else if !overwrite {
      throw ConvertError.outputExists(directory)
    }
    try writeTensors(tensors, reader, directory, overwrite: overwrite, progress: progress)
    try writeAssets(reader, description, architecture, directory, overwrite: overwrite)
  }

  private struct Output {
    let tensor: PackTensor
    let name: String
    var byteCount: Int { tensor.rows * tensor.columns * 4 }
  }

  /// What becomes of the tensors of a pack, after checking that they are those of the model.
  private static func outputs(
    _ reader: PackReader, _ architecture: any Architecture, _ description: ModelDescription
  ) throws -> [Output] {
    let rules = architecture.tensors(description)
    let rulesByName = Dictionary(uniqueKeysWithValues: rules.map { (ExactString($0.name), $0) })
    let weights = PackWeightSource(reader)
    let outputs = try reader.header.tensors.map { tensor in
      guard let rule = rulesByName[ExactString(tensor.name)] else {
        throw ModelError.contradiction(
          "\(reader.path): tensor “\(tensor.name)” has no place in \(description.profile)")
      }
      _ = try weights.encoding(of: tensor)
      guard tensor.shape == rule.shape else {
        throw ModelError.misshapenTensor(
          tensor.name, file: reader.path, found: tensor.shape, expected: rule.shape)
      }
      return Output(tensor: tensor, name: architecture.exportedName(rule.source))
    }
    let found = Set(outputs.map { ExactString($0.tensor.name) })
    if let missing = rules.first(where: { !found.contains(ExactString($0.name)) }) {
      throw ModelError.missingTensor(missing.name, file: reader.path)
    }
    return outputs
  }

  private static func writeTensors(
    _ tensors: [Output], _ reader: PackReader, _ directory: String, overwrite: Bool,
    progress: (Int, Int) -> Void
  ) throws {
    let shards = split(tensors)
    let weights = PackWeightSource(reader)
    let total = tensors.reduce(0) { $0 + $1.byteCount }
    var done = 0
    var weightMap = [String: JSON]()
    for (index, shard) in shards.enumerated() {
      let name =
        shards.count == 1
        ? "model.safetensors" : "model-\(number(index + 1))-of-\(number(shards.count)).safetensors"
      var writer = try SafetensorsWriter(
        path: directory + "/" + name,
        tensors: shard.map { ($0.name, .f32, $0.tensor.shape) },
        metadata: ["format": "pt"], overwrite: overwrite)
      for output in shard {
        let matrix = try weights.matrix(of: output.tensor)
        for rows in RowBlocks(rows: matrix.rows, columns: matrix.columns) {
          try writer.append(matrix.expanded(rows: rows).littleEndianBytes)
        }
        weightMap[output.name] = .string(name)
        done += output.byteCount
        progress(done, total)
      }
      try writer.publish()
    }
    guard shards.count > 1 else { return }
    let index = JSON.dictionary([
      "metadata": .dictionary(["total_size": .integer(Int64(total))]),
      "weight_map": .dictionary(weightMap),
    ])
    try write(
      Array(index.prettyText.utf8), to: directory + "/model.safetensors.index.json",
      overwrite: overwrite)
  }

  private static func split(_ tensors: [Output]) -> [[Output]] {
    var shards = [[Output]]()
    var size = shardBytes
    for tensor in tensors {
      if size + tensor.byteCount > shardBytes {
        shards.append([])
        size = 0
      }
      shards[shards.count - 1].append(tensor)
      size += tensor.byteCount
    }
    return shards
  }

  private static func number(_ value: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  private static func writeAssets(
    _ reader: PackReader, _ description: ModelDescription, _ architecture: any Architecture,
    _ directory: String, overwrite: Bool
  ) throws {
    for asset in reader.header.assets {
      var bytes = try reader.plane(asset.plane, of: asset.name)
      if asset.name == "config.json" || asset.name == "params.json" {
        let original = try Checkpoint.parse(
          bytes, file: "\(asset.name) in \(reader.path)", allowNonFinite: true)
        let exported = architecture.exportedConfiguration(description, original: original)
        bytes = Array((exported.spellingNonFinite.prettyText + "\n").utf8)
      }
      let name = asset.name == "params.json" ? "config.json" : asset.name
      try write(bytes, to: directory + "/" + name, overwrite: overwrite)
    }
  }

  private static func write(_ bytes: [UInt8], to path: String, overwrite: Bool) throws {
    let file = try AtomicFile(path: path, overwrite: overwrite)
    try file.append(bytes)
    try file.publish()
  }
}

extension Matrix {
  /// The elements as little-endian bytes.
  public var littleEndianBytes: [UInt8] { values.flatMap(\.littleEndianBytes) }
}

extension Float {
  fileprivate var littleEndianBytes: [UInt8] {
    let bits = bitPattern
    return [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: bits >> $0) }
  }
}
