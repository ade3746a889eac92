public import Format

/// How a model writes conversations: its chat template and the special tokens that the template may use.
public struct ChatFormat: Sendable {
  private let template: ChatTemplate
  private let specialTokens: [String: String]

  /// Reads the template of a tokenizer_config.json, or of a file beside it; nothing if there is none.
  ///
  /// - Parameter file: the name that errors speak of.
  public init?(
    tokenizerConfiguration: JSON, templateFile: [UInt8]?, file: String
  ) throws(ChatTemplateError) {
    let template = try ChatTemplate.read(
      tokenizerConfiguration: tokenizerConfiguration, templateFile: templateFile, file: file)
    guard let template else { return nil }
    self.template = template
    specialTokens = ChatTemplate.specialTokens(tokenizerConfiguration: tokenizerConfiguration)
  }

  /// The prompt that asks for an answer to a text.
  func prompt(_ text: String, system: String?) throws(ChatTemplateError) -> String {
    let instructions = system.map { [ChatMessage(role: .system, content: $0)] } ?? []
    return try template.render(
      instructions + [ChatMessage(role: .user, content: text)], addGenerationPrompt: true,
      variables: specialTokens)
  }
}
