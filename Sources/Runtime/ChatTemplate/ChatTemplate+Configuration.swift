public import Format

extension ChatTemplate {
  /// The template of a tokenizer, or nothing if it has none.
  ///
  /// A file of its own (`chat_template.jinja`) wins over the member `chat_template` of tokenizer_config.json, which is
  /// a text or a list of `{name, template}`; of a list the one named “default” is taken.
  ///
  /// - Parameters:
  ///   - tokenizerConfiguration: the content of tokenizer_config.json.
  ///   - templateFile: the bytes of chat_template.jinja, if there is one.
  ///   - file: where the template comes from, for errors.
  public static func read(
    tokenizerConfiguration: JSON, templateFile: [UInt8]?, file: String
  ) throws(ChatTemplateError) -> ChatTemplate? {
    if let templateFile {
      guard let source = String(validating: templateFile, as: UTF8.self) else {
        throw ChatTemplateError(file: file, fault: .invalidUTF8)
      }
      return try ChatTemplate(source: source, file: file)
    }
    switch tokenizerConfiguration.present("chat_template") {
    case nil: return nil
    case .string(let source): return try ChatTemplate(source: source, file: file)
    case .array(let entries):
      return try ChatTemplate(source: defaultSource(among: entries, file: file), file: file)
    default:
      throw malformed("chat_template", expected: "a text or a list of templates", file: file)
    }
  }

  /// The special tokens that tokenizer_config.json names, as variables for templates: `bos_token` and the like.
  ///
  /// A token is a text or an object with a member `content`; members of another form are left out.
  public static func specialTokens(tokenizerConfiguration: JSON) -> [String: String] {
    let names = [
      "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]
    var tokens = [String: String]()
    for name in names {
      let token = tokenizerConfiguration[name]
      tokens[name] = token?.stringValue ?? token?["content"]?.stringValue
    }
    return tokens
  }

  private static func defaultSource(
    among entries: [JSON], file: String
  ) throws(ChatTemplateError) -> String {
    var names = [String]()
    for (index, entry) in entries.enumerated() {
      guard let name = entry["name"]?.stringValue, let source = entry["template"]?.stringValue
      else {
        throw malformed(
          "chat_template[\(index)]", expected: "an object with “name” and “template”", file: file)
      }
      if name == "default" { return source }
      names.append(name)
    }
    throw ChatTemplateError(file: file, fault: .noDefaultTemplate(names: names))
  }

  private static func malformed(
    _ item: String, expected: String, file: String
  ) -> ChatTemplateError {
    ChatTemplateError(file: file, fault: .malformedConfiguration(item: item, expected: expected))
  }
}
