/// How text between added tokens is cut before it is spelled as bytes.
struct PreTokenizer {
  /// Puts a space before each text that does not start with one.
  let addsPrefixSpace: Bool
  /// Cuts into words; otherwise the text is one piece.
  let splitsWords: Bool

  /// Hands the pieces of a text to an encoder.
  func split(_ bytes: [UInt8], _ range: Range<Int>, into encoder: inout BytePairEncoder) {
    guard let first = bytes[range].first else { return }
    if addsPrefixSpace, first != UInt8(ascii: " ") {
      let prefixed = [UInt8(ascii: " ")] + bytes[range]
      pieces(of: prefixed, prefixed.indices, into: &encoder)
    } else {
      pieces(of: bytes, range, into: &encoder)
    }
  }

  private func pieces(
    of bytes: [UInt8], _ range: Range<Int>, into encoder: inout BytePairEncoder
  ) {
    guard splitsWords else {
      encoder.append(piece: range, of: bytes)
      return
    }
    var words = WordScanner(bytes, range)
    while let word = words.next() { encoder.append(piece: word, of: bytes) }
  }
}
