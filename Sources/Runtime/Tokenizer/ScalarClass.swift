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

  /// The newest Unicode version whose letters and numbers count as such.
  ///
  /// The regular expressions of the `tokenizers` library (0.23) know 16.0. Fixing the version keeps ids independent
  /// of the Unicode tables that the Swift runtime ships with.
  static let unicodeVersion = 16

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
    let properties = scalar.properties
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      self = properties.isAssigned(in: Self.unicodeVersion) ? .letter : .other
    case .decimalNumber, .letterNumber, .otherNumber:
      self = properties.isAssigned(in: Self.unicodeVersion) ? .number : .other
    default:
      self = properties.isWhitespace ? .space : .other
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
