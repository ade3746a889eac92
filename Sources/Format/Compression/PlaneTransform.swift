/// A rearrangement of the bytes of a block that makes it compress better. Blocks that are stored
/// are left as they are.
public enum PlaneTransform: String, Codable, Sendable, CaseIterable {
  /// The bytes as they are.
  case none
  /// The first bytes of all 2-byte values, then all second bytes.
  case shuffle2
  /// The first bytes of all 4-byte values, then all second, third and fourth bytes.
  case shuffle4

  /// Bytes of a value; a plane's size is a multiple of it.
  public var width: Int {
    switch self {
    case .none: 1
    case .shuffle2: 2
    case .shuffle4: 4
    }
  }

  /// The bytes rearranged.
  ///
  /// - Precondition: the count is a multiple of `width`.
  func apply(to bytes: [UInt8]) -> [UInt8] {
    guard self != .none else { return bytes }
    precondition(bytes.count.isMultiple(of: width))
    let count = bytes.count / width
    var result = [UInt8](repeating: 0, count: bytes.count)
    for part in 0..<width {
      for value in 0..<count { result[part * count + value] = bytes[value * width + part] }
    }
    return result
  }

  /// The bytes in their original order.
  ///
  /// - Precondition: the count is a multiple of `width`.
  func undo(on bytes: [UInt8]) -> [UInt8] {
    guard self != .none else { return bytes }
    precondition(bytes.count.isMultiple(of: width))
    let count = bytes.count / width
    var result = [UInt8](repeating: 0, count: bytes.count)
    for part in 0..<width {
      for value in 0..<count { result[value * width + part] = bytes[part * count + value] }
    }
    return result
  }
}
