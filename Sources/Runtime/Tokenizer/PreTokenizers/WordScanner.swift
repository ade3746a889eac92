/// Cuts text where the pre-tokenizer of GPT-2 does.
///
/// It walks through the matches of
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///
/// which cover any text without gaps. The alternatives are tried in this order, as backtracking engines do, so
/// white space before a word gives its last character to the word if that is a space, and a piece of its own if it
/// is anything else.
struct WordScanner {
  /// The expression that this scanner carries out.
  static let expression =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  private let bytes: [UInt8]
  private let end: Int
  private var position: Int

  /// - Parameter range: the text to cut; what lies outside is not looked at. Both ends are scalar boundaries.
  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next match, or nothing at the end.
  mutating func next() -> Range<Int>? {
    guard position < end else { return nil }
    let start = position
    position = contractionEnd(from: start) ?? wordEnd(from: start) ?? spaceEnd(from: start)
    return start..<position
  }

  private func contractionEnd(from start: Int) -> Int? {
    guard bytes[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
    switch bytes[start + 1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return start + 2 < end && bytes[start + 2] == UInt8(ascii: "e") ? start + 3 : nil
    case UInt8(ascii: "l"):
      return start + 2 < end && bytes[start + 2] == UInt8(ascii: "l") ? start + 3 : nil
    default: return nil
    }
  }

  /// The end of a run of one class other than white space, with an optional space before it.
  private func wordEnd(from start: Int) -> Int? {
    let first = bytes[start] == UInt8(ascii: " ") ? start + 1 : start
    guard first < end else { return nil }
    let (scalar, length) = bytes.scalar(at: first)
    let kind = ScalarClass(scalar)
    guard kind != .space else { return nil }
    return runEnd(of: kind, from: first + length)
  }

  private func runEnd(of kind: ScalarClass, from start: Int) -> Int {
    var index = start
    while index < end {
      let (scalar, length) = bytes.scalar(at: index)
      guard ScalarClass(scalar) == kind else { break }
      index += length
    }
    return index
  }

  /// `\s+(?!\S)|\s+`: all white space at the end of the text, otherwise all but its last character, at least one.
  private func spaceEnd(from start: Int) -> Int {
    let stop = runEnd(of: .space, from: start)
    guard stop < end else { return stop }
    let last = stop - bytes.scalar(before: stop).length
    return last > start ? last : stop
  }
}
