import Format
import Runtime
import Testing

/// Each fault of a tokenizer.json, made by changing one member of the stored one.
@Suite struct TokenizerRefusalTests {
  struct Refusal: Sendable, CustomStringConvertible {
    let members: JSON
    let fault: TokenizerFault

    init(_ key: String, _ value: JSON, _ fault: TokenizerFault) {
      members = .dictionary([key: value])
      self.fault = fault
    }

    var description: String { fault.description }
  }

  private static func model(
    _ key: String, _ value: JSON, _ fault: TokenizerFault
  ) -> Refusal {
    Refusal("model", .dictionary([key: value]), fault)
  }

  private static func vocabulary(_ changes: [ExactString: JSON]) -> JSON {
    .object(TokenizerFixture.vocabulary.merging(changes) { $1 })
  }

  private static func type(_ name: String) -> JSON { .dictionary(["type": .string(name)]) }

  private static func byteLevel(prefix: Bool) -> JSON {
    .dictionary(["type": .string("ByteLevel"), "add_prefix_space": .bool(prefix)])
  }

  private static func decoders(_ steps: [JSON]) -> JSON {
    .dictionary(["type": .string("Sequence"), "decoders": .array(steps)])
  }

  private static func strip(stop: Int64) -> JSON {
    .dictionary([
      "type": .string("Strip"), "content": .string(" "), "start": .integer(1),
      "stop": .integer(stop),
    ])
  }

  private static func nested(_ depth: Int) -> JSON {
    (0..<depth).reduce(type("NFC")) { inner, _ in
      .dictionary(["type": .string("Sequence"), "normalizers": .array([inner])])
    }
  }

  private static func sequence(_ steps: [JSON]) -> JSON {
    .dictionary(["type": .string("Sequence"), "pretokenizers": .array(steps)])
  }

  private static func split(_ expression: String, behavior: String, invert: Bool) -> JSON {
    .dictionary([
      "type": .string("Split"), "pattern": .dictionary(["Regex": .string(expression)]),
      "behavior": .string(behavior), "invert": .bool(invert),
    ])
  }

  private static let words =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  static let components: [Refusal] = [
    Refusal("version", .null, .missing(item: "version")),
    Refusal("version", .string("2.0"), .unsupported(item: "version", value: #""2.0""#)),
    Refusal("decoder", .null, .missing(item: "decoder")),
    Refusal("decoder", type("WordPiece"), unsupported("decoder.type", "WordPiece")),
    Refusal(
      "decoder", decoders([type("Fuse"), type("ByteFallback")]),
      unsupported("decoder.decoders[1].type", "ByteFallback")),
    Refusal(
      "decoder", decoders([type("Fuse"), strip(stop: 1)]),
      .unsupported(item: "decoder.decoders[1].stop", value: "1")),
    Refusal(
      "decoder", strip(stop: -1),
      .unexpected(item: "decoder.stop", expected: "between 0 and 1024", found: "-1")),
    Refusal("normalizer", type("BertNormalizer"), unsupported("normalizer.type", "BertNormalizer")),
    Refusal(
      "normalizer",
      .dictionary([
        "type": .string("Sequence"), "normalizers": .array([type("NFC"), type("Nmt")]),
      ]),
      unsupported("normalizer.normalizers[1].type", "Nmt")),
    Refusal(
      "normalizer", nested(20),
      .unexpected(
        item: "normalizer" + String(repeating: ".normalizers[0]", count: 16),
        expected: "nested less deeply",
        found: String(nested(4).canonicalText.prefix(120)) + "…")),
    Refusal(
      "normalizer",
      .dictionary([
        "type": .string("Replace"), "pattern": .dictionary(["String": .string("")]),
        "content": .string(""),
      ]),
      .unexpected(
        item: "normalizer.pattern.String", expected: "a text that is not empty", found: #""""#)),
    Refusal("pre_tokenizer", type("Whitespace"), unsupported("pre_tokenizer.type", "Whitespace")),
    Refusal(
      "pre_tokenizer", type("ByteLevel"), .missing(item: "pre_tokenizer.add_prefix_space")),
    Refusal("pre_tokenizer", type("Digits"), .missing(item: "pre_tokenizer.individual_digits")),
    Refusal("pre_tokenizer", type("Metaspace"), .missing(item: "pre_tokenizer.replacement")),
    Refusal(
      "pre_tokenizer",
      .dictionary([
        "type": .string("Metaspace"), "replacement": .string("▁"), "add_prefix_space": .bool(false),
      ]),
      .unsupported(item: "pre_tokenizer.add_prefix_space", value: "false")),
    Refusal(
      "pre_tokenizer",
      .dictionary(["type": .string("Metaspace"), "replacement": .string("ab")]),
      .unexpected(
        item: "pre_tokenizer.replacement", expected: "one character", found: #""ab""#)),
    Refusal(
      "pre_tokenizer", sequence([byteLevel(prefix: false), byteLevel(prefix: false)]),
      unsupported("pre_tokenizer.pretokenizers[1].type", "ByteLevel")),
    Refusal(
      "pre_tokenizer",
      sequence([split(words, behavior: "Dropped", invert: false), byteLevel(prefix: false)]),
      unsupported("pre_tokenizer.pretokenizers[0].behavior", "Dropped")),
    Refusal(
      "post_processor", type("BertProcessing"),
      unsupported("post_processor.type", "BertProcessing")),
    Refusal(
      "post_processor",
      .dictionary(["type": .string("TemplateProcessing"), "single": .array([])]),
      .unsupported(item: "post_processor.single", value: "[]")),
  ]

  private static func unsupported(_ item: String, _ value: String) -> TokenizerFault {
    .unsupported(item: item, value: "\"\(value)\"")
  }

  static let models: [Refusal] = [
    Refusal("model", .null, .missing(item: "model")),
    model("type", .string("Unigram"), .unsupportedModel(item: "model.type", type: "Unigram")),
    model("dropout", .number(0.1), .unsupported(item: "model.dropout", value: "0.1")),
    model(
      "continuing_subword_prefix", .string("##"),
      unsupported("model.continuing_subword_prefix", "##")),
    model("end_of_word_suffix", .string("</w>"), unsupported("model.end_of_word_suffix", "</w>")),
    model("vocab", .null, .missing(item: "model.vocab")),
    model("merges", .null, .missing(item: "model.merges")),
    model(
      "merges", .string("a b"),
      .unexpected(item: "model.merges", expected: "an array", found: #""a b""#)),
    model("merges", .array([.string("ab")]), .malformedMerge(index: 0, found: #""ab""#)),
    model("merges", .array([.string("a b c")]), .malformedMerge(index: 0, found: #""a b c""#)),
    model("merges", .array([.array([.string("a")])]), .malformedMerge(index: 0, found: #"["a"]"#)),
    model("merges", .array([.integer(1)]), .malformedMerge(index: 0, found: "1")),
    model("merges", .array([.string("a zzz")]), .unknownMergePiece(index: 0, piece: "zzz")),
    model("merges", .array([.string("~ ~")]), .unknownMergePiece(index: 0, piece: "~~")),
    model(
      "vocab", vocabulary(["a": .string("1")]),
      .unexpected(item: "model.vocab.a", expected: "an integer", found: #""1""#)),
    model(
      "vocab", vocabulary(["new": .integer(-1)]),
      .idOutOfRange(token: "new", id: -1, limit: 1 << 24)),
    model(
      "vocab", vocabulary(["new": .integer(1 << 24 + 1)]),
      .idOutOfRange(token: "new", id: 1 << 24 + 1, limit: 1 << 24)),
    model(
      "vocab", vocabulary(["new": .integer(0)]),
      .repeatedID(0, first: "<|endoftext|>", second: "new")),
    model(
      "vocab", .object(TokenizerFixture.vocabulary.filter { $0.key != "Ġ" }), .missingByte(32)),
  ]

  private static func added(_ tokens: [JSON], _ fault: TokenizerFault) -> Refusal {
    Refusal("added_tokens", .array(tokens), fault)
  }

  static let addedTokens: [Refusal] = [
    added([.dictionary(["id": .integer(9000)])], .missing(item: "added_tokens[0].content")),
    added(
      [.dictionary(["id": .integer(9000), "content": .string("x")])],
      .missing(item: "added_tokens[0].normalized")),
    added(
      [.dictionary(["id": .string("9000"), "content": .string("x")])],
      .unexpected(item: "added_tokens[0].id", expected: "an integer", found: #""9000""#)),
    added([TokenizerFixture.addedToken(id: 9000, "")], .emptyAddedToken(id: 9000)),
    added(
      [TokenizerFixture.addedToken(id: 9000, String(repeating: "x", count: 1025))],
      .addedTokenTooLong(id: 9000, byteCount: 1025, limit: 1024)),
    added(
      [TokenizerFixture.addedToken(id: 1, "<|endoftext|>")],
      .conflictingIDs(token: "<|endoftext|>", vocabulary: 0, added: 1)),
    added(
      [TokenizerFixture.addedToken(id: 0, "new")],
      .repeatedID(0, first: "<|endoftext|>", second: "new")),
    added(
      [TokenizerFixture.addedToken(id: -1, "new")],
      .idOutOfRange(token: "new", id: -1, limit: 1 << 24)),
    added(
      [
        TokenizerFixture.addedToken(id: 9000, "\u{E9}x", normalized: true),
        TokenizerFixture.addedToken(id: 9001, "e\u{301}x", normalized: true),
      ], .repeatedAddedToken("e\u{301}x")),
  ]

  @Test(arguments: components + models + addedTokens)
  func `what is not carried out or contradicts itself is refused by name`(
    refusal: Refusal
  ) {
    #expect(throws: TokenizerError(file: "tokenizer.json", fault: refusal.fault)) {
      try TokenizerFixture.tokenizer(refusal.members)
    }
  }

  @Test func `text that is no JSON is refused with its place`() {
    let fault = TokenizerFault.malformed(.malformed(atByte: 1, expected: "a key"))
    #expect(throws: TokenizerError(file: "x", fault: fault)) {
      try Tokenizer(parsing: Array("{1".utf8), file: "x")
    }
  }

  @Test func `errors name the file, the component and the value`() {
    let error = TokenizerError(
      file: "model/tokenizer.json",
      fault: .unsupported(item: "normalizer.type", value: #""Lowercase""#))
    #expect(
      error.description
        == #"model/tokenizer.json: “normalizer.type” is "Lowercase", which is not supported"#)
    #expect(error.kind == .badInput)
  }

  @Test(arguments: [
    TokenizerFault.idOutOfRange(token: "x", id: -1, limit: 1),
    .addedTokenTooLong(id: 1, byteCount: 2, limit: 1), .tooManyMerges(count: 2, limit: 1),
  ])
  func `exceeded limits have a kind of their own`(fault: TokenizerFault) {
    #expect(TokenizerError(file: "x", fault: fault).kind == .limitExceeded)
  }

  @Test func `settings that cannot change ids are accepted`() throws {
    let settings: JSON = .dictionary([
      "unk_token": .string("<|endoftext|>"), "fuse_unk": .bool(true),
      "end_of_word_suffix": .string(""),
      "continuing_subword_prefix": .string(""), "dropout": .number(0), "byte_fallback": .bool(true),
    ])
    let members: JSON = .dictionary([
      "model": settings, "post_processor": .null, "truncation": .null,
    ])
    let plain = try TokenizerFixture.tokenizer()
    #expect(try TokenizerFixture.tokenizer(members).encode("Hello") == plain.encode("Hello"))
  }

  /// Every prefix of a file is refused, and every byte can be anything without a trap.
  @Test func `damaged files are refused or read, never trapped on`() {
    let whole = TokenizerFixture.text(.object([:]))
    for length in stride(from: 0, to: whole.count, by: 509) {
      #expect(throws: TokenizerError.self) {
        try Tokenizer(parsing: Array(whole[..<length]), file: "x")
      }
    }
    var outcomes = 0
    for index in stride(from: 0, to: whole.count, by: 211) {
      var damaged = whole
      damaged[index] = UInt8(truncatingIfNeeded: index &* 31 &+ 7)
      let tokenizer = try? Tokenizer(parsing: damaged, file: "x")
      outcomes += (tokenizer?.encode("Hello world 123  é").count ?? 1) > 0 ? 1 : 0
    }
    #expect(outcomes > 0)
  }
}
