/// What a pre-tokenizer or normalizer looks for.
enum TextPattern: Sendable {
  /// The words of GPT-2, which cover every text.
  case words
  /// Single characters of a set.
  case scalar(ScalarSet)
  /// A text as it is; not empty.
  case literal([UInt8])
  case expression(ExpressionProgram)
}

extension TextPattern {
  /// A text with all matches replaced.
  func replaced(in bytes: [UInt8], with content: [UInt8]) -> [UInt8] {
    var output = [UInt8]()
    output.reserveCapacity(bytes.count)
    var scanner = PatternScanner(self)
    scanner.parts(of: bytes, bytes.indices) { part, isMatch in
      if isMatch { output += content } else { output += bytes[part] }
    }
    return output
  }
}

/// Walks through the matches of a pattern and what lies between them.
struct PatternScanner {
  private let pattern: TextPattern
  private var matcher: ExpressionMatcher?

  init(_ pattern: TextPattern) {
    self.pattern = pattern
    if case .expression(let program) = pattern { matcher = ExpressionMatcher(program) }
  }

  /// Hands out all parts of a text in order, each with whether it is a match. Matches may be empty.
  mutating func parts(
    of bytes: [UInt8], _ range: Range<Int>, _ body: (Range<Int>, Bool) -> Void
  ) {
    guard !range.isEmpty else { return }
    var done = range.lowerBound
    matches(in: bytes, range) { match in
      if done < match.lowerBound { body(done..<match.lowerBound, false) }
      body(match, true)
      done = match.upperBound
    }
    if done < range.upperBound { body(done..<range.upperBound, false) }
  }

  private mutating func matches(
    in bytes: [UInt8], _ range: Range<Int>, _ body: (Range<Int>) -> Void
  ) {
    switch pattern {
    case .words:
      var words = WordScanner(bytes, range)
      while let word = words.next() { body(word) }
    case .scalar(let set):
      var index = range.lowerBound
      while index < range.upperBound {
        let (scalar, length) = bytes.scalar(at: index)
        if set.contains(scalar) { body(index..<index + length) }
        index += length
      }
    case .literal(let text):
      var index = range.lowerBound
      while index + text.count <= range.upperBound {
        if bytes[index] == text[0], bytes[index..<index + text.count].elementsEqual(text) {
          body(index..<index + text.count)
          index += text.count
        } else {
          index += 1
        }
      }
    case .expression: matcher?.matches(in: bytes, range, body)
    }
  }
}
