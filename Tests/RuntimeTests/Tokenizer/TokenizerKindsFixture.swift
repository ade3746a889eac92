import Format
import Runtime

/// The tokenizers and the texts that Tests/References/tokenizer_kinds_fixture.py stored.
enum TokenizerKinds {
  struct Variant: Sendable, CustomStringConvertible {
    let name: String
    let base: String
    let members: JSON
    let cases: [TokenizerFixture.Case]

    var description: String { name }
  }

  private static let stored = try? TokenizerFixture.json("kinds.json")

  /// Empty if the fixture cannot be read, which a test of its own notices.
  static let variants: [Variant] = (stored?["variants"]?.arrayValue ?? []).compactMap { variant in
    guard let name = variant["name"]?.stringValue, let base = variant["base"]?.stringValue,
      let members = variant["members"],
      let cases = try? variant["cases"]?.decode(as: [TokenizerFixture.Case].self)
    else { return nil }
    return Variant(name: name, base: base, members: members, cases: cases)
  }

  static func definition(_ base: String, _ members: JSON = .object([:])) -> [UInt8] {
    let definition = stored?["bases"]?.objectValue?[ExactString(base)]?.objectValue ?? [:]
    return TokenizerFixture.text(members, of: definition)
  }

  static func tokenizer(
    _ base: String, _ members: JSON = .object([:]), configuration: String? = nil
  ) throws -> Tokenizer {
    try Tokenizer(
      parsing: definition(base, members), configuration: configuration.map { Array($0.utf8) },
      file: "tokenizer.json")
  }

  /// A tokenizer that shows where an expression cuts.
  static func splitting(by expression: String, behavior: String = "Isolated") throws -> Tokenizer {
    try tokenizer("spelled", split(expression, behavior: behavior))
  }

  static func split(_ expression: String, behavior: String = "Isolated") -> JSON {
    let split: JSON = .dictionary([
      "type": .string("Split"), "pattern": .dictionary(["Regex": .string(expression)]),
      "behavior": .string(behavior), "invert": .bool(false),
    ])
    let metaspace: JSON = .dictionary([
      "type": .string("Metaspace"), "replacement": .string("▁"), "split": .bool(false),
    ])
    let steps: JSON = .dictionary([
      "type": .string("Sequence"), "pretokenizers": .array([split, metaspace]),
    ])
    return .dictionary(["pre_tokenizer": steps])
  }
}
