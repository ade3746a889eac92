/// A template that turns a conversation into the text that a model was trained on.
///
///     let template = try ChatTemplate(source: text, file: "tokenizer_config.json")
///     let prompt = try template.render(
///       [ChatMessage(role: .user, content: "Hello")], addGenerationPrompt: true,
///       variables: ["eos_token": "<|endoftext|>"])
///
/// The language is the part of Jinja 3.1 that chat templates use, with the settings of `apply_chat_template` of
/// transformers: `trim_blocks`, `lstrip_blocks`, an immutable sandbox, no escaping of HTML. The output depends on
/// the arguments alone; `strftime_now` is refused. Statements that the interpreter does not know are refused when the
/// template is read, filters, tests, methods and functions when they are reached.
public struct ChatTemplate: Sendable {
  private let file: String
  private let program: TemplateProgram

  /// Reads a template.
  ///
  /// - Parameter file: where the template comes from, for errors.
  public init(source: String, file: String) throws(ChatTemplateError) {
    self.file = file
    let limit = ChatTemplateLimits.sourceByteCount
    guard source.utf8.count <= limit else {
      throw ChatTemplateError(file: file, fault: .tooLong("the template", limit: limit))
    }
    var lexer = TemplateLexer(source)
    do {
      try lexer.readAll()
    } catch {
      throw ChatTemplateError(file: file, line: lexer.line, fault: error)
    }
    var parser = TemplateParser(lexer.tokens)
    do {
      program = try parser.program()
    } catch {
      throw ChatTemplateError(file: file, line: parser.line, fault: error)
    }
  }

  /// The prompt for a conversation.
  ///
  /// - Parameters:
  ///   - addGenerationPrompt: whether the text ends with the opening of the assistant's next turn.
  ///   - variables: further names that the template may use, such as `bos_token`.
  public func render(
    _ messages: [ChatMessage], addGenerationPrompt: Bool, variables: [String: String] = [:]
  ) throws(ChatTemplateError) -> String {
    var names = variables.mapValues { TemplateValue.string($0) }
    let provided: KeyValuePairs<String, TemplateValue> = [
      "messages": .sequence(TemplateSequence(listing: messages.map(Self.value(of:)))),
      "add_generation_prompt": .boolean(addGenerationPrompt),
      "tools": .none, "documents": .none,
    ]
    for (name, value) in provided {
      guard names.updateValue(value, forKey: name) == nil else {
        throw ChatTemplateError(file: file, fault: .reservedVariable(name))
      }
    }
    var interpreter = TemplateInterpreter(program, variables: names)
    do {
      return try interpreter.run()
    } catch {
      throw ChatTemplateError(file: file, line: interpreter.line, fault: error)
    }
  }

  private static func value(of message: ChatMessage) -> TemplateValue {
    .mapping(
      TemplateMapping(texts: [("role", message.role.rawValue), ("content", message.content)]))
  }
}
