/// The printable stand-ins that byte-level vocabularies use for bytes.
///
/// Bytes 33–126, 161–172 and 174–255 stand for the code points of the same value; the other 68, in ascending
/// order, for U+0100…U+0143. A space is therefore U+0120 “Ġ”. (Radford et al. 2019, the encoder of GPT-2.)
enum ByteAlphabet {
  /// The stand-in of every byte.
  static let scalars: [Unicode.Scalar] = {
    var substitutes = (UInt32(0x100)...0x143).makeIterator()
    return (UInt8.min...UInt8.max).map { byte in
      let isPrintable =
        (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
      guard !isPrintable, let substitute = substitutes.next() else { return Unicode.Scalar(byte) }
      return Unicode.Scalar(substitute) ?? Unicode.Scalar(byte)
    }
  }()

  /// The byte of every code point up to the last stand-in.
  private static let bytes: [UInt8?] = {
    var bytes = [UInt8?](repeating: nil, count: 0x144)
    for (byte, scalar) in zip(UInt8.min...UInt8.max, scalars) { bytes[Int(scalar.value)] = byte }
    return bytes
  }()

  /// The byte that a character stands for, if it is in the alphabet.
  static func byte(of scalar: Unicode.Scalar) -> UInt8? {
    scalar.value < 0x144 ? bytes[Int(scalar.value)] : nil
  }

  /// The bytes that a piece stands for, or nothing if it has a character outside the alphabet.
  static func bytes(of piece: String) -> [UInt8]? {
    var decoded = [UInt8]()
    for scalar in piece.unicodeScalars {
      guard let byte = byte(of: scalar) else { return nil }
      decoded.append(byte)
    }
    return decoded
  }
}
