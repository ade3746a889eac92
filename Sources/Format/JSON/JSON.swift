/// A JSON value (RFC 8259), read from a file nobody vouches for.
///
/// The reader is strict: UTF-8 must be well-formed, keys must not repeat, nesting is limited. Foundation's readers
/// accept repeated keys, do not say where a fault is, and are about twenty times slower on large headers.
public enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent that fits 64 bits.
  case integer(Int64)
  /// Any other number.
  case number(Double)
  case string(String)
  case array([JSON])
  case object([ExactString: JSON])

  /// The member of an object, or nothing if this is no object or has no such member.
  public subscript(key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members[ExactString(key)]
  }

  /// The member of an object, where `null` counts as absent.
  public func present(_ key: String) -> JSON? {
    guard let value = self[key], value != .null else { return nil }
    return value
  }

  /// The value as a text.
  public var stringValue: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  /// The value as a truth value.
  public var boolValue: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// The value as an integer; numbers such as `4.0` count.
  public var intValue: Int? {
    switch self {
    case .integer(let value): Int(exactly: value)
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The value as a floating-point number.
  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The elements of an array.
  public var arrayValue: [JSON]? {
    guard case .array(let elements) = self else { return nil }
    return elements
  }

  /// The members of an object.
  public var objectValue: [ExactString: JSON]? {
    guard case .object(let members) = self else { return nil }
    return members
  }

  /// Builds an object from literal keys.
  public static func dictionary(_ members: [String: JSON]) -> JSON {
    .object(
      Dictionary(uniqueKeysWithValues: members.map { (ExactString($0.key), $0.value) }))
  }
}
