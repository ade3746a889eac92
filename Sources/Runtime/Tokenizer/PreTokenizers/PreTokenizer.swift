/// How text between added tokens is cut into pieces: a list of steps.
struct PreTokenizer: Sendable {
  enum Step: Sendable {
    case split(SplitRule)
    /// Spells the text in the alphabet of bytes.
    ///
    /// Before that, it may put a space before each piece that does not start with one and cut into words.
    case byteLevel(addsPrefixSpace: Bool, splitsWords: Bool)
    case metaspace(Metaspace)
  }

  let steps: [Step]

  /// The model gets bytes and not characters.
  var isByteLevel: Bool {
    steps.contains { if case .byteLevel = $0 { true } else { false } }
  }

  /// The pieces of a text.
  func pieces(of bytes: [UInt8], _ range: Range<Int>, startsText: Bool) -> Pieces {
    var pieces = Pieces(bytes, range, startsText: startsText)
    var isSpelled = false
    for (index, step) in steps.enumerated() {
      switch step {
      case .split(let rule):
        var splitter = Splitter(rule)
        pieces.cut(&splitter)
      case .byteLevel(let addsPrefixSpace, let splitsWords):
        if addsPrefixSpace { pieces.rewrite(Self.prefixSpace) }
        if splitsWords { Self.cutWords(&pieces) }
        // Only steps that follow can see the difference.
        if index + 1 < steps.count {
          pieces.rewrite(Self.spell)
          isSpelled = true
        }
      case .metaspace(let metaspace): metaspace.apply(to: &pieces)
      }
    }
    if isSpelled { pieces.rewrite(Self.unspell) }
    return pieces
  }

  private static func cutWords(_ pieces: inout Pieces) {
    var splitter = Splitter(SplitRule(pattern: .words, behavior: .isolated, isInverted: false))
    pieces.cut(&splitter)
  }

  private static func prefixSpace(
    _ bytes: [UInt8], _ range: Range<Int>, _ isFirst: Bool, _ output: inout [UInt8]
  ) {
    if bytes[range.lowerBound] != UInt8(ascii: " ") { output.append(UInt8(ascii: " ")) }
    output.append(contentsOf: bytes[range])
  }

  private static func spell(
    _ bytes: [UInt8], _ range: Range<Int>, _ isFirst: Bool, _ output: inout [UInt8]
  ) {
    for index in range { output.append(ByteAlphabet.scalars[Int(bytes[index])]) }
  }

  private static func unspell(
    _ bytes: [UInt8], _ range: Range<Int>, _ isFirst: Bool, _ output: inout [UInt8]
  ) {
    var index = range.lowerBound
    while index < range.upperBound {
      let (scalar, length) = bytes.scalar(at: index)
      if let byte = ByteAlphabet.byte(of: scalar) { output.append(byte) }
      index += length
    }
  }
}

extension [UInt8] {
  /// Appends a character as UTF-8.
  mutating func append(_ scalar: Unicode.Scalar) {
    if scalar.isASCII {
      append(UInt8(truncatingIfNeeded: scalar.value))
    } else {
      append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
  }
}
