/// Reading single scalars out of bytes that came from a `String` and are therefore well-formed UTF-8.
extension [UInt8] {
  /// The scalar that starts at an index, and its length in bytes; U+FFFD and 1 where none starts.
  @inline(__always)
  func scalar(at index: Int) -> (scalar: Unicode.Scalar, length: Int) {
    let first = self[index]
    if first < 0x80 { return (Unicode.Scalar(first), 1) }
    return multibyteScalar(at: index, first: first)
  }

  private func multibyteScalar(at index: Int, first: UInt8) -> (scalar: Unicode.Scalar, length: Int)
  {
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard first >= 0xC0, index + length <= count else { return ("\u{FFFD}", 1) }
    var value = UInt32(first) & (0x7F >> UInt32(length))
    for offset in 1..<length { value = value << 6 | UInt32(self[index + offset] & 0x3F) }
    guard let scalar = Unicode.Scalar(value) else { return ("\u{FFFD}", 1) }
    return (scalar, length)
  }

  /// The scalar that ends before an index, and its length in bytes.
  func scalar(before index: Int) -> (scalar: Unicode.Scalar, length: Int) {
    var start = index - 1
    while start > 0, index - start < 4, self[start] & 0xC0 == 0x80 { start -= 1 }
    return scalar(at: start)
  }
}
