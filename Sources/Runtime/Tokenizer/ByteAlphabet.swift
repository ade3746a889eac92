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

  private static let bytes = Dictionary(
    uniqueKeysWithValues: zip(scalars, UInt8.min...UInt8.max))

  /// The bytes that a piece stands for, or nothing if it has a character outside the alphabet.
  static func bytes(of piece: String) -> [UInt8]? {
    var decoded = [UInt8]()
    for scalar in piece.unicodeScalars {
      guard let byte = bytes[scalar] else { return nil }
      decoded.append(byte)
    }
    return decoded
  }
}
