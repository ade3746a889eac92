import Foundation
import Format

/// The contents of a safetensors file, to be changed and written again, correct or broken on purpose.
struct TensorFile {
  struct Tensor {
    var name: String
    var dataType = "F32"
    var shape: [Int]
    var bytes: [UInt8]
  }

  var tensors: [Tensor]

  init(_ tensors: [Tensor]) { self.tensors = tensors }

  init(reading url: URL) throws {
    let file = try SafetensorsFile(path: url.path)
    tensors = try file.tensors.values
      .sorted { $0.byteRange.lowerBound < $1.byteRange.lowerBound }
      .map { info in
        Tensor(
          name: info.name, dataType: info.dataType.rawValue, shape: info.shape,
          bytes: try file.bytes(of: info))
      }
  }

  /// Replaces the tensor of that name, or adds it.
  mutating func set(_ tensor: Tensor) {
    tensors.removeAll { $0.name == tensor.name }
    tensors.append(tensor)
  }

  mutating func remove(_ name: String) { tensors.removeAll { $0.name == name } }

  /// Changes the tensor of that name.
  mutating func change(_ name: String, _ body: (inout Tensor) -> Void) {
    for index in tensors.indices where tensors[index].name == name { body(&tensors[index]) }
  }

  /// Offsets of all tensors, one after the other.
  var offsets: [Range<Int>] {
    var end = 0
    return tensors.map { tensor in
      defer { end += tensor.bytes.count }
      return end..<end + tensor.bytes.count
    }
  }

  var encoded: [UInt8] { encoded(offsets: offsets) }

  /// The file with offsets that may be wrong.
  func encoded(offsets: [Range<Int>]) -> [UInt8] {
    let members = zip(tensors, offsets).map { tensor, range in
      let entry = JSON.dictionary([
        "dtype": .string(tensor.dataType),
        "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
        "data_offsets": .array([
          .integer(Int64(range.lowerBound)), .integer(Int64(range.upperBound)),
        ]),
      ])
      return (tensor.name, entry)
    }
    let object = JSON.dictionary(Dictionary(uniqueKeysWithValues: members))
    let header = Array(object.canonicalText.utf8)
    return UInt64(header.count).littleEndianBytes + header + tensors.flatMap(\.bytes)
  }
}

extension TensorFile.Tensor {
  /// A tensor of single precision with small values that repeat after a while.
  static func pattern(_ name: String, shape: [Int], seed: Int = 1, scale: Float = 1) -> Self {
    let values = (0..<shape.reduce(1, *)).map { (index: Int) -> Float in
      let step = (index * 7919 + seed * 104_729) % 1009
      return (Float(step) / 1009 - 0.5) * scale
    }
    return Self(name: name, shape: shape, bytes: values.flatMap(\.bitPattern.littleEndianBytes))
  }

  /// The same tensor with one value replaced.
  func replacing(_ index: Int, with value: Float) -> Self {
    var copy = self
    copy.bytes.replaceSubrange(index * 4..<index * 4 + 4, with: value.bitPattern.littleEndianBytes)
    return copy
  }
}

extension FixedWidthInteger {
  var littleEndianBytes: [UInt8] {
    (0..<bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) }
  }
}
