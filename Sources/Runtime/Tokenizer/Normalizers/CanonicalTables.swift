/// What characters decompose into and which pairs compose.
struct CanonicalTables {
  /// The Unicode version of the normal forms of the `tokenizers` library (0.23); its ids depend on it.
  static let unicodeVersion = 9

  static let shared = CanonicalTables(CanonicalDecompositions.table)

  /// What characters decompose into where similar ones count as equal, as far as that differs.
  static let compatible = CanonicalTables(CompatibilityDecompositions.table).decompositions

  /// One step of decomposition; parts may decompose further.
  let decompositions: [Unicode.Scalar: [Unicode.Scalar]]
  private let compositions: [UInt64: Unicode.Scalar]

  private init(_ table: String) {
    var decompositions = [Unicode.Scalar: [Unicode.Scalar]]()
    var compositions = [UInt64: Unicode.Scalar]()
    for entry in table.utf8.split(whereSeparator: { $0 == 0x20 || $0 == 0x0A }) {
      let codes = entry.split { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ">") || $0 == 0x2B }
      let scalars = codes.compactMap {
        UInt32(Substring($0), radix: 16).flatMap(Unicode.Scalar.init)
      }
      guard let composite = scalars.first else { continue }
      decompositions[composite] = Array(scalars.dropFirst())
      if entry.contains(UInt8(ascii: "=")), scalars.count == 3 {
        compositions[Self.key(scalars[1], scalars[2])] = composite
      }
    }
    self.decompositions = decompositions
    self.compositions = compositions
  }

  /// The character that two characters compose to.
  func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
    // Nothing below U+0300 is the second half of a pair.
    guard second.value >= 0x300 else { return nil }
    return HangulSyllable.composite(first, second) ?? compositions[Self.key(first, second)]
  }

  /// The canonical combining class; 0 for characters that are newer than `unicodeVersion`.
  static func combiningClass(_ scalar: Unicode.Scalar) -> UInt8 {
    guard scalar.value >= 0x300 else { return 0 }
    let order = scalar.properties.canonicalCombiningClass.rawValue
    guard order != 0 else { return 0 }
    return scalar.properties.isAssigned(in: unicodeVersion) ? order : 0
  }

  private static func key(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> UInt64 {
    UInt64(first.value) << 32 | UInt64(second.value)
  }
}

/// A precomposed syllable of Hangul, which decomposes by arithmetic (The Unicode Standard, section 3.12).
struct HangulSyllable {
  private static let first: UInt32 = 0xAC00
  private static let (leads, vowels, trails): (UInt32, UInt32, UInt32) = (0x1100, 0x1161, 0x11A7)
  private static let (leadCount, vowelCount, trailCount): (UInt32, UInt32, UInt32) = (19, 21, 28)

  private let index: UInt32

  init?(_ scalar: Unicode.Scalar) {
    let end = Self.first + Self.leadCount * Self.vowelCount * Self.trailCount
    guard (Self.first..<end).contains(scalar.value) else { return nil }
    index = scalar.value - Self.first
  }

  /// Two or three letters.
  var letters: [Unicode.Scalar] {
    let trail = index % Self.trailCount
    let vowel = index / Self.trailCount % Self.vowelCount
    let lead = index / Self.trailCount / Self.vowelCount
    let codes = [Self.leads + lead, Self.vowels + vowel] + (trail > 0 ? [Self.trails + trail] : [])
    return codes.compactMap(Unicode.Scalar.init)
  }

  /// The syllable that a lead and a vowel, or a syllable without trail and a trail, make.
  static func composite(_ left: Unicode.Scalar, _ right: Unicode.Scalar) -> Unicode.Scalar? {
    if (leads..<leads + leadCount).contains(left.value),
      (vowels..<vowels + vowelCount).contains(right.value)
    {
      let index = (left.value - leads) * vowelCount + right.value - vowels
      return Unicode.Scalar(first + index * trailCount)
    }
    guard let syllable = HangulSyllable(left), syllable.index % trailCount == 0,
      (trails + 1..<trails + trailCount).contains(right.value)
    else { return nil }
    return Unicode.Scalar(left.value + right.value - trails)
  }
}
