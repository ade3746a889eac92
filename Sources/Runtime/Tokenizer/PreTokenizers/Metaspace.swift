/// The pre-tokenizer of SentencePiece: spaces become a visible mark, and words start with it.
struct Metaspace: Sendable {
  /// Where a mark is put before a text that does not start with one.
  enum Prefix: String {
    case always
    /// Only at the start of the whole text, not after added tokens.
    case first
    case never
  }

  /// The mark, usually U+2581.
  let mark: Unicode.Scalar
  let prefix: Prefix
  /// Cuts before every mark.
  let splits: Bool

  func apply(to pieces: inout Pieces) {
    var encodedMark = [UInt8]()
    encodedMark.append(mark)
    pieces.rewrite { bytes, range, isFirst, output in
      let wantsMark = prefix == .always || prefix == .first && isFirst
      let isMarked =
        bytes[range.lowerBound] == UInt8(ascii: " ") || bytes[range].starts(with: encodedMark)
      if wantsMark, !isMarked { output += encodedMark }
      for index in range {
        if bytes[index] == UInt8(ascii: " ") {
          output += encodedMark
        } else {
          output.append(bytes[index])
        }
      }
    }
    guard splits else { return }
    var splitter = Splitter(
      SplitRule(
        pattern: .scalar(ScalarSet(mark)), behavior: .mergedWithNext, isInverted: false))
    pieces.cut(&splitter)
  }
}
