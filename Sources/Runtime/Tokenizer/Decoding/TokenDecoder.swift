/// How tokens become text: steps for every token, then one for bytes, then one for the whole text.
struct TokenDecoder: Sendable {
  /// Changes a single token.
  enum Step: Sendable {
    case replace(TextPattern, with: [UInt8])
    /// Turns marks into spaces; those of the first token are dropped if the text got one at its start.
    case metaspace(Unicode.Scalar, dropsFirst: Bool)
    /// Takes up to so many of a character away at the two ends.
    case strip(Strip)
  }

  /// Where bytes come from.
  enum ByteSource: Sendable {
    case none
    /// Tokens are written in the alphabet of bytes.
    case alphabet
    /// Tokens such as `<0x0A>` are bytes.
    case byteTokens
  }

  struct Strip: Sendable {
    let content: Unicode.Scalar
    let start: Int
    let stop: Int
  }

  var steps = [Step]()
  var byteSource = ByteSource.none
  /// Steps for tokens after bytes have become text.
  var laterSteps = [Step]()
  /// Taken away at the start of the whole text.
  var textStrip: Strip?

  /// What becomes of one token.
  enum Output {
    case text([UInt8])
    /// A part of what may be a character together with its neighbours.
    case bytes([UInt8])
  }

  /// Added tokens are text even in letters of the alphabet of bytes.
  func decode(_ token: [UInt8], isAdded: Bool, isFirst: Bool) -> Output {
    let text = Self.apply(steps, to: token, isFirst: isFirst)
    switch byteSource {
    case .none: return .text(finish(text))
    case .alphabet: return .bytes((isAdded ? nil : Self.spelledBytes(text)) ?? text)
    case .byteTokens:
      if let byte = Self.byte(named: text) { return .bytes([byte]) }
      return .text(finish(text))
    }
  }

  /// Carries out the steps that follow when bytes have become text.
  func finish(_ text: [UInt8]) -> [UInt8] { Self.apply(laterSteps, to: text, isFirst: false) }

  private static func apply(_ steps: [Step], to token: [UInt8], isFirst: Bool) -> [UInt8] {
    var text = token
    for step in steps {
      switch step {
      case .replace(let pattern, let content):
        text = pattern.replaced(in: text, with: content)
      case .metaspace(let mark, let dropsFirst):
        let space = isFirst && dropsFirst ? [] : [UInt8(ascii: " ")]
        text = TextPattern.scalar(ScalarSet(mark)).replaced(in: text, with: space)
      case .strip(let strip): text = strip.apply(to: text)
      }
    }
    return text
  }

  private static func spelledBytes(_ text: [UInt8]) -> [UInt8]? {
    var bytes = [UInt8]()
    var index = 0
    while index < text.count {
      let (scalar, length) = text.scalar(at: index)
      guard let byte = ByteAlphabet.byte(of: scalar) else { return nil }
      bytes.append(byte)
      index += length
    }
    return bytes
  }

  /// The byte of a name such as `<0x0A>`.
  private static func byte(named text: [UInt8]) -> UInt8? {
    guard text.count == 6, text.starts(with: [0x3C, 0x30, 0x78]), text[5] == 0x3E else {
      return nil
    }
    return UInt8(String(decoding: text[3..<5], as: UTF8.self), radix: 16)
  }
}

extension TokenDecoder.Strip {
  func apply(to text: [UInt8]) -> [UInt8] {
    var encoded = [UInt8]()
    encoded.append(content)
    var rest = text[...]
    for _ in 0..<start where rest.starts(with: encoded) { rest.removeFirst(encoded.count) }
    for _ in 0..<stop where rest.suffix(encoded.count).elementsEqual(encoded) {
      rest.removeLast(encoded.count)
    }
    return Array(rest)
  }
}
