import Foundation

extension PackReader {
  /// The order-0 entropy of a plane in bytes: what the best code for single bytes takes, its tables apart.
  ///
  /// Bytes at the same place of their elements are counted together, as they lie together when a block is compressed.
  ///
  /// - Parameter owner: what errors call the plane.
  /// - Throws: as `plane`.
  public func entropy(of plane: PackPlane, owner: String) throws(FormatError) -> Double {
    let width = plane.transform.width
    var counts = [Int](repeating: 0, count: 256 * width)
    for number in 0..<plane.blockCount {
      try withPiece(number, of: plane, owner: owner) { offset, bytes in
        unsafe bytes.withUnsafeBytes { bytes in
          for index in bytes.indices {
            let lane = width == 1 ? 0 : (offset + index) % width
            unsafe counts[lane << 8 | Int(bytes[index])] += 1
          }
        }
      }
    }
    let total = Double(plane.bytes / width)
    let bits = counts.filter { $0 > 0 }.reduce(0.0) { $0 - Double($1) * log2(Double($1) / total) }
    return bits / 8
  }
}
