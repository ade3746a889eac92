import Format
import Runtime
import Testing

@Suite struct TokenizerKindsTests {
  @Test func `the fixture has all its variants`() {
    #expect(TokenizerKinds.variants.count == 51)
    #expect(TokenizerKinds.variants.allSatisfy { $0.cases.count >= 10 })
  }

  @Test(arguments: TokenizerKinds.variants)
  func `ids and decoded texts are those of the tokenizers library`(
    variant: TokenizerKinds.Variant
  ) throws {
    let tokenizer = try TokenizerKinds.tokenizer(variant.base, variant.members)
    for example in variant.cases {
      #expect(tokenizer.encode(example.text) == example.ids, "\(example.text.debugDescription)")
      let decoded = tokenizer.decode(example.ids)
      #expect(decoded.utf8.elementsEqual(example.decoded.utf8), "\(decoded.debugDescription)")
    }
  }

  @Test func `a template says which token stands before a text`() throws {
    let tokenizer = try TokenizerKinds.tokenizer("marks")
    let ids = tokenizer.encode("Hello")
    #expect(tokenizer.beginningOfText == 1)
    #expect(tokenizer.encode("Hello", addingSpecialTokens: true) == [1] + ids)
    #expect(tokenizer.encode("Hello", addingSpecialTokens: false) == ids)
    let plain = try TokenizerKinds.tokenizer("bytes")
    #expect(plain.beginningOfText == nil)
    #expect(plain.encode("x", addingSpecialTokens: true) == plain.encode("x"))
  }

  @Test func `a configuration overrides the template`() throws {
    let none = try TokenizerKinds.tokenizer("marks", configuration: #"{"add_bos_token":false}"#)
    #expect(none.beginningOfText == nil)
    let both = try TokenizerKinds.tokenizer(
      "marks",
      configuration: """
        {"add_bos_token": true, "bos_token": {"content": "<unk>"},
        "add_eos_token": true, "eos_token": "</s>"}
        """)
    #expect(both.beginningOfText == 0)
    #expect(both.encode("x", addingSpecialTokens: true) == [0] + both.encode("x") + [2])
    let silent = try TokenizerKinds.tokenizer("marks", configuration: "{}")
    #expect(silent.beginningOfText == 1)
  }

  @Test func `a configuration that names no token is refused`() {
    let missing = TokenizerFault.missing(item: "tokenizer_config.bos_token")
    #expect(throws: TokenizerError(file: "tokenizer.json", fault: missing)) {
      try TokenizerKinds.tokenizer("marks", configuration: #"{"add_bos_token":true}"#)
    }
    let unknown = TokenizerFault.notInVocabulary(item: "tokenizer_config.bos_token", token: "<x>")
    #expect(throws: TokenizerError(file: "tokenizer.json", fault: unknown)) {
      try TokenizerKinds.tokenizer(
        "marks", configuration: #"{"add_bos_token":true,"bos_token":"<x>"}"#)
    }
  }

  @Test func `a stream holds back a run of byte tokens`() throws {
    let tokenizer = try TokenizerKinds.tokenizer("marks")
    let bytes = try ["<0xF0>", "<0x9F>", "<0xA6>", "<0x8A>"].map {
      try #require(tokenizer.id(of: $0))
    }
    let mark = try #require(tokenizer.id(of: "▁"))
    var decoder = StreamingDecoder(tokenizer)
    #expect(([mark] + bytes + [mark]).map { decoder.append($0) } == ["", "", "", "", "", "🦊 "])
    #expect(bytes.dropLast().map { decoder.append($0) } == ["", "", ""])
    #expect(decoder.finish() == "\u{FFFD}\u{FFFD}\u{FFFD}")
    #expect(decoder.finish() == "")
    #expect(tokenizer.bytes(of: bytes[0]) == [0xF0])
    #expect(tokenizer.bytes(of: mark) == [0x20])
  }

  /// A quadratic method would need 10¹² steps, hours; the allowance is for slow machines and debug builds.
  @Test(
    .timeLimit(.minutes(2)),
    arguments: ["Qwen2", "Falcon", "cased words, inverted", "Llama", "mark at the start"],
    [" ", "a", "1", "é", "▁", "\r\n ", "\0"])
  func `a long text of one character is encoded`(name: String, unit: String) throws {
    let variant = try #require(TokenizerKinds.variants.first { $0.name == name })
    let tokenizer = try TokenizerKinds.tokenizer(variant.base, variant.members)
    let text = String(repeating: unit, count: (1 << 20) / unit.utf8.count)
    #expect(!tokenizer.encode(text).isEmpty)
  }

  /// These backtrack quadratically or worse unless failures are remembered.
  @Test(
    .timeLimit(.minutes(2)),
    arguments: [
      #"a+b"#, #"(?:a|a)*b"#, #"(?:a+a+)+b"#, #"a*?b"#, #"(?=a+b)a|c"#, #"(?!a+b)c"#,
      #"(?:a{1,3}){1,3}b"#,
      #"(?:a?a)+?b"#,
    ])
  func `an expression that backtracks takes linear time`(expression: String) throws {
    let tokenizer = try TokenizerKinds.splitting(by: expression)
    let count = 1 << 17
    let text = String(repeating: "a", count: count)
    // No match: one mark, then the bytes.
    #expect(tokenizer.encode(text).count == count + 1)
  }
}
