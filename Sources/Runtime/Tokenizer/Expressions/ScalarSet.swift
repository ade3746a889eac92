/// A set of characters, as a class of a regular expression describes it.
struct ScalarSet: Sendable, Equatable {
  private var categories: GeneralCategories
  /// In order, without touching each other.
  private var ranges: [ClosedRange<UInt32>]
  private var isNegated = false
  /// The members below 64 and those below 128, one bit each.
  private var lowASCII: UInt64 = 0
  private var highASCII: UInt64 = 0

  init(categories: GeneralCategories = [], ranges: [ClosedRange<UInt32>] = []) {
    self.categories = categories
    self.ranges = Self.merged(ranges)
    refreshASCII()
  }

  init(_ scalar: Unicode.Scalar) { self.init(ranges: [scalar.value...scalar.value]) }

  @inline(__always)
  func contains(_ scalar: Unicode.Scalar) -> Bool {
    let value = scalar.value
    guard value < 128 else { return holds(scalar) }
    return (value < 64 ? lowASCII : highASCII) &>> UInt64(value & 63) & 1 != 0
  }

  private func holds(_ scalar: Unicode.Scalar) -> Bool {
    var isMember = !categories.isDisjoint(with: GeneralCategories.cached(scalar))
    if !isMember, !ranges.isEmpty { isMember = rangesContain(scalar.value) }
    return isMember != isNegated
  }

  private func rangesContain(_ value: UInt32) -> Bool {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound <= value
  }

  private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result = [ClosedRange<UInt32>]()
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound + 1 {
        result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result
  }

  private mutating func refreshASCII() {
    (lowASCII, highASCII) = (0, 0)
    for value in UInt8(0)..<128 where holds(Unicode.Scalar(value)) {
      if value < 64 { lowASCII |= 1 << UInt64(value) } else { highASCII |= 1 << UInt64(value - 64) }
    }
  }

  /// All other characters.
  var inverted: ScalarSet {
    var result = self
    result.isNegated.toggle()
    result.refreshASCII()
    return result
  }

  /// The members of both; nothing for a set that was inverted, which classes do not contain.
  func union(_ other: ScalarSet) -> ScalarSet? {
    guard !isNegated, !other.isNegated else { return nil }
    return ScalarSet(
      categories: categories.union(other.categories), ranges: ranges + other.ranges)
  }

  /// The set where upper and lower case count as equal, or nothing if it has letters whose case is not ASCII's.
  ///
  /// U+017F and U+212A fold to `s` and `k` (Unicode CaseFolding.txt).
  var ignoringCase: ScalarSet? {
    guard !isNegated else { return inverted.ignoringCase?.inverted }
    let cased: GeneralCategories = [.named("Lu"), .named("Ll"), .named("Lt")]
    guard categories.isDisjoint(with: cased) || categories.isSuperset(of: cased),
      ranges.allSatisfy(Self.hasOnlyASCIICases)
    else { return nil }
    var folded = ranges
    for lower in UInt32(0x61)...0x7A where rangesContain(lower) || rangesContain(lower - 32) {
      folded += [lower...lower, lower - 32...lower - 32]
      if lower == 0x73 { folded.append(0x17F...0x17F) }
      if lower == 0x6B { folded.append(0x212A...0x212A) }
    }
    return ScalarSet(categories: categories, ranges: folded)
  }

  private static func hasOnlyASCIICases(_ range: ClosedRange<UInt32>) -> Bool {
    guard range.upperBound >= 128 else { return true }
    guard range.count <= 1024 else { return false }
    return range.allSatisfy { value in
      guard value >= 128, let scalar = Unicode.Scalar(value) else { return true }
      return !scalar.properties.changesWhenCaseFolded && !scalar.properties.isCased
    }
  }
}

extension ScalarSet {
  /// `\s`: the property White_Space.
  static let spaces = ScalarSet(categories: .separators, ranges: [9...13, 0x85...0x85])
  /// `\S`
  static let notSpaces = ScalarSet(
    categories: GeneralCategories.separators.union(.named("Cc")).inverted,
    ranges: [0...8, 14...0x1F, 0x7F...0x84, 0x86...0x9F])
  static let decimals = ScalarSet(categories: .named("Nd"))
  static let notDecimals = ScalarSet(categories: GeneralCategories.named("Nd").inverted)
  /// What `.` matches.
  static let notLineFeed = ScalarSet(ranges: [0x0A...0x0A]).inverted

  /// `\w`: the property Alphabetic, marks, decimals and connectors.
  ///
  /// The ranges are letters in circles and squares, and those numbers of Latin-1 that are none of these but that the
  /// library counts in.
  static let words = ScalarSet(
    categories: [.letters, .marks, .named("Nd"), .named("Nl"), .named("Pc")],
    ranges: [
      0xB2...0xB3, 0xB9...0xB9, 0xBC...0xBE, 0x24B6...0x24E9, 0x1F130...0x1F149,
      0x1F150...0x1F169, 0x1F170...0x1F189,
    ])
}

/// Sets of components that the `tokenizers` library (0.23) takes from tables of other Unicode versions.
extension ScalarSet {
  /// Punctuation of Unicode 8 and the symbols of ASCII.
  static let punctuation: ScalarSet = {
    var ranges: [ClosedRange<UInt32>] = [
      0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E,
      // Punctuation then, a symbol and a mark today.
      0x166D...0x166D, 0x111C9...0x111C9,
    ]
    for value in UInt32(0x80)..<0x20000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let category = GeneralCategories(of: scalar, in: 8)
      if !category.isDisjoint(with: .punctuation) { ranges.append(value...value) }
    }
    return ScalarSet(ranges: ranges)
  }()

  /// Numbers of Unicode 17; the ranges are those that it added.
  static let numbers = ScalarSet(
    categories: .numbers, ranges: [0x11DE0...0x11DE9, 0x16FF4...0x16FF6])

  /// Marks of Unicode 9; two letters of today were marks then, and a mark was punctuation.
  static func isAccent(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value == 0x1CF2 || scalar.value == 0x1CF3 { return true }
    let isMark = !GeneralCategories(of: scalar, in: 9).isDisjoint(with: .marks)
    return isMark && scalar.value != 0x111C9
  }
}
