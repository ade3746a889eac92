/// Every encoding that this program knows.
public enum Encodings {
  /// All of them; a new encoding is one more line here.
  public static let all: [any Encoding] =
    FloatEncoding.allCases
    + GroupEncoding.widths.flatMap { bits in
      GroupEncoding.groupSizes.map { GroupEncoding(bits: bits, groupSize: $0) }
    }
    + FixedPointEncoding.offered.map { FixedPointEncoding(fractionBits: $0) }
    + [SuperBlockEncoding(), RotatedEncoding(), EntropyEncoding()]

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The encoding of that name, if there is one.
  public static func named(_ name: String) -> (any Encoding)? { byName[name] }

  /// The encoding that a recipe asks for: one of those, or a tier such as `e3.5`.
  public static func requested(_ name: String) -> (any Encoding)? {
    named(name) ?? EntropyEncoding(tier: name)
  }

  /// What a recipe may ask for, for people.
  public static let requestable = all.map(\.name) + ["e2 … e6", "e3.5 and the like"]
}
