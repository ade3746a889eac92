import Format
import Runtime
import Testing

/// Parts of regular expressions that are not carried out.
@Suite struct ExpressionRefusalTests {
  static let expressions: [(expression: String, part: String)] = [
    (#"(?<=a)b"#, "(?<="), (#"(?<name>a)"#, "(?<n"), (#"\bword"#, #"\b"#),
    (#"\p{Han}"#, #"\p{Han}"#),
    (#"(a)\1"#, #"\1"#), ("a**", "a quantifier of a quantifier"), ("a{1}?", "{1}?"), ("a{x}", "{"),
    ("(?=a)*", "a quantifier of a condition"), ("(?:a?)*", "a loop that can be empty"),
    ("(?:a?){1,2}+", "a loop that can be empty"), ("a{2000}", "a count above 1000"),
    ("(?:ab){1000}", "more than 1024 steps"), ("(a", "a group without end"), ("a)", ")"),
    ("[a", "a class without end"), ("[]", "[]"), ("[a&&b]", "& inside of a class"),
    ("[a[b]]", "[ inside of a class"), ("[b-a]", "b-"), ("*", "*"), ("(?i:é)", "(?i"),
    ("(?i:ss)", "(?i:ss)"),
    (#"\xFF"#, "a code FF"), (#"a\"#, #"\"#), (#"[\W]"#, "["),
    (String(repeating: "(", count: 40), "nesting"),
    (String(repeating: "a", count: 9000), "a length above 8192 bytes"),
  ]

  @Test(arguments: expressions)
  func `what is not carried out is refused by name`(expression: String, part: String) {
    #expect {
      try TokenizerKinds.splitting(by: expression)
    } throws: { error in
      guard let error = error as? TokenizerError,
        case .unsupportedExpression(let item, let shown, let found) = error.fault
      else { return false }
      return item == "pre_tokenizer.pretokenizers[0].pattern" && found == part
        && expression.hasPrefix(shown.filter { $0 != "…" })
    }
  }

  @Test func `the error names the expression and the part`() {
    let fault = TokenizerFault.unsupportedExpression(item: "x", expression: #"\ba"#, part: #"\b"#)
    #expect(fault.description == #"“x” is the expression “\ba”, and \b in it is not supported"#)
  }

  @Test(arguments: ["WordPiece", "Unigram", "WordLevel"])
  func `other kinds of vocabularies are refused with what they belong to`(type: String) {
    let members: JSON = .dictionary(["model": .dictionary(["type": .string(type)])])
    let fault = TokenizerFault.unsupportedModel(item: "model.type", type: type)
    #expect(throws: TokenizerError(file: "tokenizer.json", fault: fault)) {
      try TokenizerKinds.tokenizer("marks", members)
    }
    #expect(fault.description.contains("only BPE is supported; a \(type) tokenizer"))
  }
}
