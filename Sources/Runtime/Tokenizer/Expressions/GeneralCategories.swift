/// A set of general categories of characters, one bit each.
struct GeneralCategories: OptionSet, Sendable {
  let rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The newest Unicode version whose characters count as assigned in regular expressions.
  ///
  /// Those of the `tokenizers` library (0.23) know 16.0. Fixing the version keeps ids independent of the Unicode
  /// tables that the Swift runtime ships with.
  static let unicodeVersion = 16

  static let all = GeneralCategories(rawValue: 1 << UInt32(names.count) - 1)
  static let letters = named("L")
  static let marks = named("M")
  static let numbers = named("N")
  static let punctuation = named("P")
  static let separators = named("Z")

  /// Names of one letter stand for all categories that start with it.
  static func named(_ name: String) -> GeneralCategories {
    var result: GeneralCategories = []
    for (index, category) in names.enumerated() {
      guard category == name || category.prefix(1) == name else { continue }
      result.insert(GeneralCategories(rawValue: 1 << UInt32(index)))
    }
    return result
  }

  var inverted: GeneralCategories { Self.all.subtracting(self) }

  /// The category of a character, unassigned if it is newer than a version.
  ///
  /// Of the letters only U+0295 has changed its category since version 9, which it did in 17.
  init(of scalar: Unicode.Scalar, in version: Int = unicodeVersion) {
    if scalar.value == 0x295, version < 17 {
      self = .named("Ll")
      return
    }
    let properties = scalar.properties
    let isAssigned = properties.isAssigned(in: version)
    self.init(rawValue: 1 << (isAssigned ? properties.generalCategory.place : Self.unassigned))
  }

  /// The category in `unicodeVersion`, out of a table for the characters of the basic plane.
  static func cached(_ scalar: Unicode.Scalar) -> GeneralCategories {
    guard scalar.value < 0x10000 else { return GeneralCategories(of: scalar) }
    return GeneralCategories(rawValue: 1 << UInt32(basicPlane[Int(scalar.value)]))
  }

  private static let basicPlane: [UInt8] = (UInt32(0)..<0x10000).map { code in
    guard let scalar = Unicode.Scalar(code) else { return UInt8(surrogate) }
    return UInt8(GeneralCategories(of: scalar).rawValue.trailingZeroBitCount)
  }

  private static let unassigned: UInt32 = 29
  private static let surrogate: UInt32 = 27
  private static let names = [
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
  ]
}

extension Unicode.GeneralCategory {
  /// The place in the list of names above.
  fileprivate var place: UInt32 {
    switch self {
    case .uppercaseLetter: 0
    case .lowercaseLetter: 1
    case .titlecaseLetter: 2
    case .modifierLetter: 3
    case .otherLetter: 4
    case .nonspacingMark: 5
    case .spacingMark: 6
    case .enclosingMark: 7
    case .decimalNumber: 8
    case .letterNumber: 9
    case .otherNumber: 10
    case .connectorPunctuation: 11
    case .dashPunctuation: 12
    case .openPunctuation: 13
    case .closePunctuation: 14
    case .initialPunctuation: 15
    case .finalPunctuation: 16
    case .otherPunctuation: 17
    case .mathSymbol: 18
    case .currencySymbol: 19
    case .modifierSymbol: 20
    case .otherSymbol: 21
    case .spaceSeparator: 22
    case .lineSeparator: 23
    case .paragraphSeparator: 24
    case .control: 25
    case .format: 26
    case .surrogate: 27
    case .privateUse: 28
    case .unassigned: 29
    @unknown default: 29
    }
  }
}
