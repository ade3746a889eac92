/// The classes of characters that the pre-tokenizer's expression distinguishes.
enum ScalarClass {
  /// `\p{L}`
  case letter
  /// `\p{N}`
  case number
  /// `\s`: the property White_Space.
  case space
  /// `[^\s\p{L}\p{N}]`
  case other

  init(_ scalar: Unicode.Scalar) {
    if scalar.isASCII {
      self = Self.ascii[Int(scalar.value)]
    } else {
      self.init(tableLookup: scalar)
    }
  }

  private static let ascii: [ScalarClass] = (UInt8(0)..<128).map {
    ScalarClass(tableLookup: Unicode.Scalar($0))
  }

  private init(tableLookup scalar: Unicode.Scalar) {
    let category = GeneralCategories.cached(scalar)
    if GeneralCategories.letters.contains(category) {
      self = .letter
    } else if GeneralCategories.numbers.contains(category) {
      self = .number
    } else {
      self = ScalarSet.spaces.contains(scalar) ? .space : .other
    }
  }
}

extension Unicode.Scalar.Properties {
  /// Whether a character exists in a major version of Unicode.
  func isAssigned(in version: Int) -> Bool {
    guard let age else { return false }
    return age.major <= version
  }
}
