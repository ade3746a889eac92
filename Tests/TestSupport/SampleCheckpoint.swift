import Format
import Foundation

/// A checkpoint in memory, to be changed and written by a test.
package struct SampleCheckpoint {
  /// A tensor with its bytes.
  package struct Tensor: Equatable {
    package var dataType: DataType
    package var shape: [Int]
    package var bytes: [UInt8]

    package init(dataType: DataType, shape: [Int], bytes: [UInt8]) {
      self.dataType = dataType
      self.shape = shape
      self.bytes = bytes
    }

    /// A tensor of single precision.
    package init(_ values: [Float], shape: [Int]) {
      self.init(dataType: .f32, shape: shape, bytes: values.flatMap { $0.bitPattern.bytes })
    }
  }

  /// config.json.
  package var configuration: JSON
  /// The tensors by name.
  package var tensors: [String: Tensor]
  /// Other files by name.
  package var files = [String: String]()

  /// Reads a committed model.
  package init(fixture name: String) throws {
    configuration = try JSON(
      parsing: contents(of: Fixtures.model(name) + "/config.json"), allowNonFinite: true)
    let file = try SafetensorsFile(path: Fixtures.model(name) + "/model.safetensors")
    tensors = [:]
    for (name, info) in file.tensors {
      tensors[name.text] = Tensor(
        dataType: info.dataType, shape: info.shape, bytes: try file.bytes(of: info))
    }
  }

  /// Changes a member of config.json, or removes it if there is no value; `/` leads into objects.
  package mutating func configure(_ path: String, _ value: JSON?) {
    configuration = configuration.replacing(path, with: value)
  }

  /// Writes everything into a directory, the tensors in one file.
  package func write(to directory: String) throws {
    try write(tensors: tensors.keys.sorted(), to: directory + "/model.safetensors")
    try writeText(to: directory)
  }

  /// Writes everything into a directory, the tensors in shards, each with the next tensors.
  package func write(to directory: String, shards count: Int) throws {
    let names = tensors.keys.sorted()
    var weightMap = [String: JSON]()
    for shard in 0..<count {
      let own = names[shard * names.count / count..<(shard + 1) * names.count / count]
      let file = "shard-\(shard).safetensors"
      try write(tensors: Array(own), to: directory + "/" + file)
      for name in own { weightMap[name] = .string(file) }
    }
    let index = JSON.dictionary(["weight_map": .dictionary(weightMap)])
    try write(index.prettyText, to: directory + "/model.safetensors.index.json")
    try writeText(to: directory)
  }

  /// Writes some tensors into a file.
  package func write(tensors names: [String], to path: String) throws {
    var header = [String: JSON]()
    var data = [UInt8]()
    for name in names {
      guard let tensor = tensors[name] else { continue }
      let end = data.count + tensor.bytes.count
      header[name] = .dictionary([
        "dtype": .string(tensor.dataType.rawValue),
        "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
        "data_offsets": .array([.integer(Int64(data.count)), .integer(Int64(end))]),
      ])
      data += tensor.bytes
    }
    let text = Array(JSON.dictionary(header).canonicalText.utf8)
    try Data(UInt64(text.count).bytes + text + data).write(to: URL(fileURLWithPath: path))
  }

  private func writeText(to directory: String) throws {
    try write(configuration.prettyText, to: directory + "/config.json")
    for (name, text) in files { try write(text, to: directory + "/" + name) }
  }

  private func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }
}

extension JSON {
  /// The value with the part at a path such as `tensors/0/name` replaced, or removed if there is no
  /// replacement.
  package func replacing(_ path: String, with replacement: JSON?) -> JSON {
    let keys = path.split(separator: "/", maxSplits: 1).map(String.init)
    guard let key = keys.first else { return replacement ?? .null }
    let rest = keys.count > 1 ? keys[1] : ""
    switch self {
    case .object(var members):
      let inner = members[ExactString(key)] ?? .null
      members[ExactString(key)] =
        rest.isEmpty ? replacement : inner.replacing(rest, with: replacement)
      return .object(members)
    case .array(var elements):
      guard let index = Int(key), elements.indices.contains(index) else { return self }
      elements[index] = elements[index].replacing(rest, with: replacement)
      return .array(elements)
    default: return self
    }
  }
}

extension FixedWidthInteger {
  /// The bytes, little-endian.
  package var bytes: [UInt8] {
    (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) }
  }
}
