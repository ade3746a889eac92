import Format

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  /// From a literal.
  public init(stringLiteral value: String) { self = .string(value) }
  /// From a literal.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// From a literal.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// From a literal.
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  /// From a literal.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .dictionary(Dictionary(elements) { first, _ in first })
  }
}
