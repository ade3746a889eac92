import Format
import Runtime
import Testing

@Suite struct ChatTemplateConfigurationTests {
  private func rendered(_ configuration: String, file: String? = nil) throws -> String? {
    try ChatTemplate.read(
      tokenizerConfiguration: JSON(parsing: Array(configuration.utf8)),
      templateFile: file.map { Array($0.utf8) }, file: "tokenizer_config.json"
    )?.render([], addGenerationPrompt: false)
  }

  @Test func `a template is a member, one of a list, or a file`() throws {
    #expect(try rendered(#"{"chat_template": "a"}"#) == "a")
    let list = #"[{"name": "tool_use", "template": "b"}, {"name": "default", "template": "c"}]"#
    #expect(try rendered(#"{"chat_template": \#(list)}"#) == "c")
    #expect(try rendered(#"{"chat_template": "a"}"#, file: "d") == "d")
    #expect(try rendered("{}", file: "d") == "d")
  }

  @Test(arguments: ["{}", #"{"chat_template": null}"#])
  func `a tokenizer may have no template`(configuration: String) throws {
    #expect(try rendered(configuration) == nil)
  }

  @Test(arguments: [
    (
      "1",
      ChatTemplateFault.malformedConfiguration(
        item: "chat_template", expected: "a text or a list of templates")
    ),
    (
      #"[{"name": "a", "template": "b"}, {"name": "default"}]"#,
      .malformedConfiguration(
        item: "chat_template[1]", expected: "an object with “name” and “template”")
    ),
    (#"[{"name": "a", "template": "b"}]"#, .noDefaultTemplate(names: ["a"])),
  ])
  func `another form is refused`(template: String, fault: ChatTemplateFault) {
    let error = #expect(throws: ChatTemplateError.self) {
      try rendered(#"{"chat_template": \#(template)}"#)
    }
    #expect(error == ChatTemplateError(file: "tokenizer_config.json", fault: fault))
    #expect(error?.kind == .badInput)
  }

  @Test func `a file that is no text is refused`() {
    let error = #expect(throws: ChatTemplateError.self) {
      try ChatTemplate.read(
        tokenizerConfiguration: .object([:]), templateFile: [0x61, 0xFF],
        file: "chat_template.jinja")
    }
    #expect(error == ChatTemplateError(file: "chat_template.jinja", fault: .invalidUTF8))
  }

  @Test func `special tokens are texts or objects`() throws {
    let configuration = try JSON(
      parsing: Array(
        #"{"bos_token": "<s>", "eos_token": {"content": "</s>"}, "pad_token": null, "x_token": "x"}"#
          .utf8))
    #expect(
      ChatTemplate.specialTokens(tokenizerConfiguration: configuration)
        == ["bos_token": "<s>", "eos_token": "</s>"])
  }
}
