/// What becomes of the matches of a pattern, as the `tokenizers` library defines it.
enum SplitBehavior: String {
  /// They are dropped.
  case removed = "Removed"
  /// Each is a piece.
  case isolated = "Isolated"
  /// Each belongs to the piece before it.
  case mergedWithPrevious = "MergedWithPrevious"
  /// Each belongs to the piece after it.
  case mergedWithNext = "MergedWithNext"
  /// Neighbours are one piece.
  case contiguous = "Contiguous"
}

/// A pre-tokenizer that cuts at a pattern.
struct SplitRule: Sendable {
  let pattern: TextPattern
  let behavior: SplitBehavior
  /// What does not match counts as match, and the other way round.
  let isInverted: Bool
}

/// Carries out a rule on the pieces of one text.
struct Splitter: TextCutter {
  private let rule: SplitRule
  private var scanner: PatternScanner

  init(_ rule: SplitRule) {
    self.rule = rule
    scanner = PatternScanner(rule.pattern)
  }

  mutating func cut(_ bytes: [UInt8], _ range: Range<Int>, into parts: inout [Range<Int>]) {
    let isInverted = rule.isInverted
    switch rule.behavior {
    case .isolated:
      scanner.parts(of: bytes, range) { part, _ in if !part.isEmpty { parts.append(part) } }
    case .removed:
      scanner.parts(of: bytes, range) { part, isMatch in
        if isMatch == isInverted, !part.isEmpty { parts.append(part) }
      }
    case .contiguous:
      merge(bytes, range, into: &parts) { isMatch, wasMatch in isMatch == wasMatch }
    case .mergedWithPrevious:
      merge(bytes, range, into: &parts) { isMatch, wasMatch in isMatch && !wasMatch }
    case .mergedWithNext: mergeWithNext(bytes, range, into: &parts)
    }
  }

  /// Joins a part with the one before it where a condition on the two holds.
  private mutating func merge(
    _ bytes: [UInt8], _ range: Range<Int>, into parts: inout [Range<Int>],
    where joins: (_ isMatch: Bool, _ wasMatch: Bool) -> Bool
  ) {
    var wasMatch = false
    var current = range.lowerBound..<range.lowerBound
    let isInverted = rule.isInverted
    scanner.parts(of: bytes, range) { part, found in
      let isMatch = found != isInverted
      if joins(isMatch, wasMatch) {
        current = current.lowerBound..<part.upperBound
      } else {
        if !current.isEmpty { parts.append(current) }
        current = part
      }
      wasMatch = isMatch
    }
    if !current.isEmpty { parts.append(current) }
  }

  private mutating func mergeWithNext(
    _ bytes: [UInt8], _ range: Range<Int>, into parts: inout [Range<Int>]
  ) {
    // From the end: a match joins what follows it unless that is a match too. Seen from the start, a match
    // waits for the next part, which takes it along if it is none.
    var pending: Range<Int>?
    let isInverted = rule.isInverted
    scanner.parts(of: bytes, range) { part, found in
      let isMatch = found != isInverted
      if isMatch {
        if let pending, !pending.isEmpty { parts.append(pending) }
        pending = part
      } else {
        let joined = (pending?.lowerBound ?? part.lowerBound)..<part.upperBound
        pending = nil
        if !joined.isEmpty { parts.append(joined) }
      }
    }
    if let pending, !pending.isEmpty { parts.append(pending) }
  }
}
