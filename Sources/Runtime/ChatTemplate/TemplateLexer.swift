/// Cuts a template into tokens, with `trim_blocks` and `lstrip_blocks` on, as jinja2's `Lexer.tokeniter` does.
///
/// - A newline right after a statement or a comment is dropped, unless it ends with `+`.
/// - Blanks between the start of a line and a statement or a comment are dropped, unless it starts with `+`.
/// - `-` drops all whitespace on that side. One newline at the end of the template is dropped.
struct TemplateLexer {
  private(set) var tokens = [PlacedTemplateToken]()
  /// The line reached, counted from one.
  private(set) var line = 1
  let source: [Unicode.Scalar]
  private(set) var index = 0

  init(_ text: String) {
    var source = [Unicode.Scalar]()
    var followsReturn = false
    for scalar in text.unicodeScalars {
      if scalar == "\r" {
        source.append("\n")
      } else if !(scalar == "\n" && followsReturn) {
        source.append(scalar)
      }
      followsReturn = scalar == "\r"
    }
    if source.last == "\n" { source.removeLast() }
    self.source = source
  }

  mutating func readAll() throws(ChatTemplateFault) {
    while index < source.count {
      let start = index
      let startsLine = start == 0 || source[start - 1] == "\n"
      guard let opening = nextOpening() else {
        appendText(source[start...])
        advance(by: source.count - start)
        break
      }
      let text = kept(source[start..<opening], before: opening, startsLine: startsLine)
      appendText(text)
      advance(by: opening - start)
      try readTag()
    }
    append(.end)
  }

  func scalar(at position: Int) -> Unicode.Scalar? {
    position < source.count ? source[position] : nil
  }

  /// Whether the text goes on like this.
  func follows(_ text: StaticString) -> Bool {
    var position = index
    for scalar in text.description.unicodeScalars {
      guard self.scalar(at: position) == scalar else { return false }
      position += 1
    }
    return true
  }

  mutating func advance(by count: Int) {
    for scalar in source[index..<index + count] where scalar == "\n" { line += 1 }
    index += count
  }

  mutating func skipSpace() {
    var count = 0
    while let scalar = scalar(at: index + count), scalar.isPythonSpace { count += 1 }
    advance(by: count)
  }

  mutating func append(_ token: TemplateToken) {
    tokens.append(PlacedTemplateToken(token: token, line: line))
  }

  private mutating func appendText(_ text: ArraySlice<Unicode.Scalar>) {
    if !text.isEmpty { append(.text(String(text))) }
  }

  private func nextOpening() -> Int? {
    var position = index
    while position + 1 < source.count {
      if source[position] == "{" {
        let second = source[position + 1]
        if second == "{" || second == "%" || second == "#" { return position }
      }
      position += 1
    }
    return nil
  }

  /// What whitespace control leaves of the text before a tag.
  private func kept(
    _ text: ArraySlice<Unicode.Scalar>, before opening: Int, startsLine: Bool
  ) -> ArraySlice<Unicode.Scalar> {
    let sign = scalar(at: opening + 2)
    if sign == "-" {
      let end = text.lastIndex { !$0.isPythonSpace }.map { $0 + 1 } ?? text.startIndex
      return text[..<end]
    }
    guard sign != "+", source[opening + 1] != "{" else { return text }
    let newline = text.lastIndex(of: "\n")
    guard newline != nil || startsLine else { return text }
    let lineStart = newline.map { $0 + 1 } ?? text.startIndex
    return text[lineStart...].allSatisfy(\.isPythonSpace) ? text[..<lineStart] : text
  }

  private mutating func readTag() throws(ChatTemplateFault) {
    let second = source[index + 1]
    let hasSign = scalar(at: index + 2) == "-" || scalar(at: index + 2) == "+"
    switch second {
    case "#":
      advance(by: hasSign ? 3 : 2)
      try skipComment()
    case "%":
      append(.statementStart)
      advance(by: hasSign ? 3 : 2)
      try readExpressions(isStatement: true)
    default:
      append(.outputStart)
      advance(by: hasSign ? 3 : 2)
      try readExpressions(isStatement: false)
    }
  }

  private mutating func skipComment() throws(ChatTemplateFault) {
    var position = index
    while position + 1 < source.count, source[position] != "#" || source[position + 1] != "}" {
      position += 1
    }
    guard position + 1 < source.count else {
      throw .syntax(expected: "“#}”", found: "the end of the template")
    }
    let sign = position > index ? source[position - 1] : nil
    advance(by: position + 2 - index)
    trim(after: sign)
  }

  /// Drops whitespace after a statement or a comment that ends with a sign or without.
  mutating func trim(after sign: Unicode.Scalar?) {
    if sign == "-" {
      skipSpace()
    } else if sign != "+", scalar(at: index) == "\n" {
      advance(by: 1)
    }
  }
}

extension String {
  init(_ scalars: some Sequence<Unicode.Scalar>) {
    var view = UnicodeScalarView()
    view.append(contentsOf: scalars)
    self.init(view)
  }
}

extension Unicode.Scalar {
  /// What Python's `str.isspace` accepts.
  var isPythonSpace: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }
}
