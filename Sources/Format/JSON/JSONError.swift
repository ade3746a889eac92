/// Why a text is no acceptable JSON.
public enum JSONError: DescribedFailure, Equatable {
  /// The text does not follow the grammar at that byte.
  case malformed(atByte: Int, expected: String)
  /// An object has the same key twice.
  case repeatedKey(String, atByte: Int)
  /// Arrays and objects are nested deeper than accepted.
  case tooDeep(limit: Int)
  /// The bytes are not well-formed UTF-8.
  case invalidUTF8(atByte: Int)
  /// The value does not have the members that its type requires.
  case mismatch(String)

  /// JSON comes from input files.
  public var kind: FailureKind { .badInput }

  /// One sentence in lower case.
  public var description: String {
    switch self {
    case .malformed(let byte, let expected): "malformed JSON at byte \(byte): expected \(expected)"
    case .repeatedKey(let key, let byte): "JSON key “\(key)” appears twice, again at byte \(byte)"
    case .tooDeep(let limit): "JSON is nested deeper than \(limit) levels"
    case .invalidUTF8(let byte): "text is not well-formed UTF-8 at byte \(byte)"
    case .mismatch(let what): "JSON does not have the expected members: \(what)"
    }
  }
}
