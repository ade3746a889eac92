/// A token that is cut out of the text before the vocabulary is applied.
struct AddedToken: Sendable {
  /// Bytes that are accepted; a match costs at most this many steps.
  static let byteLimit = 1024

  let id: Int
  /// What it matches, and what it decodes to.
  let bytes: [UInt8]
  /// It counts only between characters that are no part of words.
  let isSingleWord: Bool
  /// It takes the white space before it along.
  let stripsLeft: Bool
  /// It takes the white space after it along.
  let stripsRight: Bool
  /// It is looked for in the normalized text; others in the text as it is.
  let isNormalized: Bool
}

/// Cuts added tokens out of text: the leftmost first, and of those that start together the longest.
struct AddedTokenMatcher: Sendable {
  /// A part of a text.
  enum Part {
    case text(Range<Int>)
    case token(Int)
  }

  private var tokens = [AddedToken]()
  private var trie = TokenTrie()

  /// Adds a token; false if another one matches the same text.
  mutating func add(_ token: AddedToken) -> Bool {
    guard trie.insert(token.bytes, value: tokens.count) else { return false }
    tokens.append(token)
    return true
  }

  /// The parts of a text, in order; parts without text are left out.
  func cut(_ bytes: [UInt8]) -> [Part] {
    guard !trie.isEmpty else { return bytes.isEmpty ? [] : [.text(0..<bytes.count)] }
    var parts = [Part]()
    var done = 0
    var spaceEnd = 0
    var index = 0
    while index < bytes.count {
      guard let match = trie.longestMatch(in: bytes, at: index) else {
        index += 1
        continue
      }
      let token = tokens[match.value]
      let start = index
      index = match.end
      if token.isSingleWord, touchesWord(bytes, start..<match.end) { continue }
      let first = token.stripsLeft ? spaceStart(bytes, before: start, after: done) : start
      if done < first { parts.append(.text(done..<first)) }
      parts.append(.token(token.id))
      // A later match inside the white space that this one took moves the mark back: so does the format's
      // own implementation, and its ids are what models were trained on.
      done = match.end
      if token.stripsRight {
        // Runs of white space are walked through once, even if tokens inside them strip too.
        spaceEnd = self.spaceEnd(bytes, from: max(match.end, spaceEnd))
        done = spaceEnd
      }
    }
    if done < bytes.count { parts.append(.text(done..<bytes.count)) }
    return parts
  }

  private func touchesWord(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    (range.lowerBound > 0 && bytes.scalar(before: range.lowerBound).scalar.isPartOfWord)
      || (range.upperBound < bytes.count && bytes.scalar(at: range.upperBound).scalar.isPartOfWord)
  }

  private func spaceStart(_ bytes: [UInt8], before index: Int, after limit: Int) -> Int {
    var start = index
    while start > limit {
      let (scalar, length) = bytes.scalar(before: start)
      guard scalar.properties.isWhitespace else { break }
      start -= length
    }
    return start
  }

  private func spaceEnd(_ bytes: [UInt8], from index: Int) -> Int {
    var end = index
    while end < bytes.count {
      let (scalar, length) = bytes.scalar(at: end)
      guard scalar.properties.isWhitespace else { break }
      end += length
    }
    return end
  }
}

extension Unicode.Scalar {
  /// `\w` of Unicode Technical Standard 18, annex C.
  fileprivate var isPartOfWord: Bool {
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }
}
