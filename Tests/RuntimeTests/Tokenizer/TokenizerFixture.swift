import Format
import Foundation
import Runtime

/// The tokenizer and the texts that Tests/References/tokenizer_fixture.py stored.
struct TokenizerFixture {
  struct Case: Decodable, Sendable {
    let text: String
    let ids: [Int]
    let decoded: String
  }

  /// Ids whose bytes are no UTF-8, and what the library decodes them to.
  struct BrokenText: Decodable, Sendable {
    let ids: [Int]
    let decoded: String
  }

  static let brokenTexts: [BrokenText] = {
    let stored = (try? json("cases.json"))?.arrayValue?.first?["broken"]
    return (try? stored?.decode(as: [BrokenText].self)) ?? []
  }()

  /// Members that replace those of tokenizer.json, and what the library then makes of texts.
  struct Variant: Sendable, CustomStringConvertible {
    let name: String
    let members: JSON
    let cases: [Case]

    var description: String { name }
  }

  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Fixtures/tokenizer")

  static func json(_ name: String) throws -> JSON {
    try JSON(parsing: Array(Data(contentsOf: folder.appending(path: name))))
  }

  static let definition: [ExactString: JSON] =
    (try? json("tokenizer.json"))?.objectValue ?? [:]

  /// Empty if the fixture cannot be read, which a test of its own notices.
  static let variants: [Variant] = {
    let stored = (try? json("cases.json"))?.arrayValue ?? []
    return stored.compactMap { variant in
      guard let name = variant["name"]?.stringValue, let members = variant["members"],
        let cases = try? variant["cases"]?.decode(as: [Case].self)
      else { return nil }
      return Variant(name: name, members: members, cases: cases)
    }
  }()

  /// The stored tokenizer with some members replaced; those of `model` one by one.
  static func tokenizer(_ members: JSON = .object([:])) throws -> Tokenizer {
    try Tokenizer(parsing: text(members), file: "tokenizer.json")
  }

  static func text(_ members: JSON, of base: [ExactString: JSON] = definition) -> [UInt8] {
    var changed = base
    for (key, value) in members.objectValue ?? [:] {
      if key == "model", case .object(var model)? = changed[key],
        let settings = value.objectValue
      {
        model.merge(settings) { $1 }
        changed[key] = .object(model)
      } else {
        changed[key] = value
      }
    }
    return Array(JSON.object(changed).canonicalText.utf8)
  }
}

extension TokenizerFixture {
  static func addedToken(
    id: Int, _ content: String, normalized: Bool = false, stripsRight: Bool = false
  ) -> JSON {
    .dictionary([
      "id": .integer(Int64(id)), "content": .string(content), "normalized": .bool(normalized),
      "single_word": .bool(false), "lstrip": .bool(false), "rstrip": .bool(stripsRight),
    ])
  }

  static var vocabulary: [ExactString: JSON] {
    definition["model"]?["vocab"]?.objectValue ?? [:]
  }

  /// The stored vocabulary with all ids moved up by one, so that 0 is free.
  static var shiftedVocabulary: [ExactString: JSON] {
    vocabulary.mapValues { .integer(Int64(1 + ($0.intValue ?? 0))) }
  }
}
