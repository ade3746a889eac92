import Format
import Yams

extension Recipe {
  /// Reads a recipe from a YAML or JSON file.
  ///
  /// Members: `name`, `base` (a preset whose rules follow those of the file) and `rules`, a list of objects with
  /// `tensor`, `role`, `parametersBelow`, `encoding`, `reason`.
  ///
  /// - Parameter fallback: the preset whose rules follow when the file names no `base`.
  public static func read(path: String, fallback: Recipe?) throws -> Recipe {
    let file = try MappedFile(path: path)
    let bytes = try file.bytes(0..<file.count)
    guard bytes.count <= 1 << 20, let text = String(validating: bytes, as: UTF8.self) else {
      throw ConvertError.malformedRecipe(file: path, reason: "expected UTF-8 text of at most 1 MiB")
    }
    let document: Document
    do {
      try Document.requireKnownNames(text, file: path)
      document = try YAMLDecoder().decode(Document.self, from: text)
    } catch let error as ConvertError {
      throw error
    } catch {
      throw ConvertError.malformedRecipe(file: path, reason: Self.explain(error))
    }
    let base =
      try document.base.map { name throws(ConvertError) in try Presets.named(name) } ?? fallback
    let recipe = Recipe(
      name: document.name ?? FileSystem.name(of: path),
      rules: document.rules + (base?.rules ?? []))
    try recipe.validate()
    return recipe
  }

  private static func explain(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, _): "“\(key.stringValue)” is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
      DecodingError.dataCorrupted(let context):
      "“\(context.codingPath.map(name).joined(separator: "."))” is not acceptable"
    default: "\(error)".split(separator: "\n").first.map(String.init) ?? "unreadable"
    }
  }

  private static func name(_ key: any CodingKey) -> String {
    key.intValue.map(String.init) ?? key.stringValue
  }

  private struct Document: Decodable {
    let name: String?
    let base: String?
    let rules: [Rule]

    private static let members = ["name", "base", "rules"]
    private static let ruleMembers = [
      "tensor", "role", "parametersBelow", "encoding", "reason",
    ]

    /// A misspelled member would otherwise be ignored, and the recipe would do something else.
    static func requireKnownNames(_ text: String, file: String) throws {
      guard let root = try Yams.compose(yaml: text)?.mapping else {
        throw ConvertError.malformedRecipe(file: file, reason: "expected an object with “rules”")
      }
      let rules = (root["rules"]?.sequence.map(Array.init) ?? []).compactMap(\.mapping)
      try require(root.keys.compactMap(\.string), among: members, "member", file)
      try require(
        rules.flatMap(\.keys).compactMap(\.string), among: ruleMembers, "member of a rule", file)
      try require(
        rules.compactMap { $0["role"]?.string }, among: TensorRole.allCases.map(\.rawValue),
        "role", file)
    }

    private static func require(
      _ names: [String], among known: [String], _ what: String, _ file: String
    ) throws(ConvertError) {
      for name in names where !known.contains(name) {
        let nearest = known.min { name.editDistance(to: $0) < name.editDistance(to: $1) } ?? ""
        throw .malformedRecipe(
          file: file, reason: "unknown \(what) “\(name)”; did you mean “\(nearest)”?")
      }
    }
  }
}
