/// What a compressor may know about the bytes of a block.
enum BlockContent: Sendable, Equatable {
  /// They repeat each other, as in text.
  case repetitive
  /// They are codes of weights, as good as independent of each other: a repetition is chance.
  case codes
  /// They are codes whose size differs between the rows or the columns of their matrix.
  case unevenCodes(MatrixPart)

  var matches: Zstandard.Matches { self == .repetitive ? .usual : .rare }
}
