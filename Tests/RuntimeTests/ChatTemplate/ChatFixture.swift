import Foundation
import Format
import Runtime

/// Templates, conversations and outcomes that Tests/References/chat_fixture.py stored.
enum ChatFixture {
  /// What transformers made of a template.
  enum Outcome: Decodable, Sendable, Equatable {
    case text(String)
    case raised(String)
    case failed

    private struct Refusal: Decodable {
      let raised: String
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .failed
      } else if let text = try? container.decode(String.self) {
        self = .text(text)
      } else {
        self = .raised(try container.decode(Refusal.self).raised)
      }
    }
  }

  struct Message: Decodable, Sendable {
    let role: String
    let content: String
  }

  struct Family: Decodable, Sendable, CustomStringConvertible {
    let name: String
    let template: String
    /// For each conversation, without and with a generation prompt.
    let outcomes: [[Outcome]]

    var description: String { name }
  }

  struct Families: Decodable, Sendable {
    let variables: [String: String]
    let conversations: [[Message]]
    let templates: [Family]
  }

  struct Case: Decodable, Sendable {
    let template: String
    let outcome: Outcome
  }

  struct Expressions: Decodable, Sendable {
    let variables: [String: String]
    let messages: [Message]
    let cases: [Case]
  }

  /// Empty if the fixture cannot be read, which a test of its own notices.
  static let families: Families =
    (try? read("cases.json")) ?? Families(variables: [:], conversations: [], templates: [])

  static let expressions: Expressions =
    (try? read("expressions.json")) ?? Expressions(variables: [:], messages: [], cases: [])

  private static func read<Value: Decodable>(_ name: String) throws -> Value {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Fixtures/chat")
    return try JSONDecoder().decode(
      Value.self, from: Data(contentsOf: folder.appending(path: name)))
  }

  /// What this project makes of a template.
  static func outcome(
    of template: String, _ messages: [Message], addGenerationPrompt: Bool = false,
    variables: [String: String]
  ) -> Outcome {
    do {
      let template = try ChatTemplate(source: template, file: "template")
      return .text(
        try template.render(
          messages.map { ChatMessage(role: ChatRole(rawValue: $0.role), content: $0.content) },
          addGenerationPrompt: addGenerationPrompt, variables: variables))
    } catch {
      if case .raised(let message) = error.fault { return .raised(message) }
      return .failed
    }
  }
}
