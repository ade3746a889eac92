import Format

extension JSON {
  /// The same value with numbers that JSON cannot express as transformers writes them: `{"__float__": "Infinity"}`.
  var spellingNonFinite: JSON {
    switch self {
    case .number(let value) where !value.isFinite:
      .dictionary([
        "__float__": .string(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
      ])
    case .array(let elements): .array(elements.map(\.spellingNonFinite))
    case .object(let members): .object(members.mapValues(\.spellingNonFinite))
    default: self
    }
  }
}
