import Foundation

extension JSON {
  /// The JSON form of a value of ours; numbers that JSON cannot express become `null`.
  public init(encoding value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: Self.notFinite, negativeInfinity: Self.notFinite, nan: Self.notFinite)
    self = try JSON(parsing: Array(encoder.encode(value))).withoutMarks
  }

  /// Stands for a number that is not finite until it becomes `null`; no name of ours begins like it.
  private static let notFinite = "\u{0}not finite"

  private var withoutMarks: JSON {
    switch self {
    case .string(Self.notFinite): .null
    case .array(let elements): .array(elements.map(\.withoutMarks))
    case .object(let members): .object(members.mapValues(\.withoutMarks))
    default: self
    }
  }

  /// Reads a value of ours; anything missing or of another type is a mismatch.
  public func decode<Value: Decodable>(as type: Value.Type) throws(JSONError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(canonicalText.utf8))
    } catch let error as DecodingError {
      throw .mismatch(Self.explain(error))
    } catch {
      throw .mismatch(String(describing: type))
    }
  }

  private static func explain(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      return "“\(path(context.codingPath + [key]))” is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      return "“\(path(context.codingPath))” is not acceptable"
    @unknown default: return "unreadable"
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.map(\.stringValue).joined(separator: ".")
  }
}
