/// Reads statements and expressions from tokens; the grammar is that of jinja2's `Parser`.
struct TemplateParser {
  private let tokens: [PlacedTemplateToken]
  private var index = 0
  private var depth = 0
  /// Loops around the current place, as far as `break` can reach.
  private var loopDepth = 0
  /// Bodies around the current place that have names of their own.
  private var scopeDepth = 0
  private(set) var isInMacro = false
  private var macros = [TemplateMacro]()

  /// - Parameter tokens: what a lexer made; ends with `.end`.
  init(_ tokens: [PlacedTemplateToken]) { self.tokens = tokens }

  mutating func program() throws(ChatTemplateFault) -> TemplateProgram {
    let statements = try statements(until: [])
    return TemplateProgram(statements: statements, macros: macros)
  }

  // The cursor.

  /// The line of the current token.
  var line: Int { index < tokens.count ? tokens[index].line : tokens.last?.line ?? 1 }

  var current: TemplateToken { index < tokens.count ? tokens[index].token : .end }

  var next: TemplateToken { index + 1 < tokens.count ? tokens[index + 1].token : .end }

  mutating func advance() { index += 1 }

  mutating func take(_ token: TemplateToken) -> Bool {
    guard current == token else { return false }
    advance()
    return true
  }

  mutating func take(symbol: String) -> Bool { take(.symbol(symbol)) }

  mutating func take(keyword: String) -> Bool { take(.name(keyword)) }

  mutating func expect(_ token: TemplateToken) throws(ChatTemplateFault) {
    guard take(token) else { throw expected(token.name) }
  }

  mutating func expectName() throws(ChatTemplateFault) -> String {
    guard case .name(let name) = current else { throw expected("a name") }
    advance()
    return name
  }

  func expected(_ what: String) -> ChatTemplateFault {
    .syntax(expected: what, found: current.name)
  }

  /// To be undone with `ascend` when the nested part was read.
  mutating func descend() throws(ChatTemplateFault) {
    let limit = ChatTemplateLimits.nesting
    guard depth < limit else { throw .tooDeep("the template", limit: limit) }
    depth += 1
  }

  mutating func ascend() { depth -= 1 }

  // Statements.

  /// Reads up to a statement with one of the names, which stays the current token; with no names, to the end.
  private mutating func statements(
    until ends: [String]
  ) throws(ChatTemplateFault) -> [TemplateStatement] {
    try descend()
    defer { ascend() }
    var statements = [TemplateStatement]()
    while true {
      let line = line
      switch current {
      case .text(let text):
        advance()
        statements.append(.text(text))
      case .outputStart:
        advance()
        let value = try tuple(allowsConditional: true).withoutOutermostSafe
        try expect(.outputEnd)
        statements.append(.output(value, line: line))
      case .statementStart:
        advance()
        if case .name(let name) = current, ends.contains(name) { return statements }
        statements.append(try statement(line: line))
        try expect(.statementEnd)
      default:
        guard ends.isEmpty else { throw expected(ends.map { "“\($0)”" }.joined(separator: " or ")) }
        return statements
      }
    }
  }

  /// The body of a statement, from the end of its tag to the name that ends it, which is taken.
  private mutating func body(
    until ends: [String]
  ) throws(ChatTemplateFault) -> (statements: [TemplateStatement], end: String) {
    try expect(.statementEnd)
    let statements = try statements(until: ends)
    return (statements, try expectName())
  }

  private mutating func scopedBody(
    until ends: [String]
  ) throws(ChatTemplateFault) -> (statements: [TemplateStatement], end: String) {
    scopeDepth += 1
    defer { scopeDepth -= 1 }
    return try body(until: ends)
  }

  private mutating func statement(line: Int) throws(ChatTemplateFault) -> TemplateStatement {
    guard case .name(let name) = current else { throw expected("the name of a statement") }
    switch name {
    case "if": return try choice()
    case "for": return .loop(try loop(line: line))
    case "set": return try assignment(line: line)
    case "macro": return .macro(try macro())
    case "generation": return .scope(try generation())
    case "break": return .exit(try exit(.leave))
    case "continue": return .exit(try exit(.proceed))
    default: throw .unsupported("the statement “\(name)”")
    }
  }

  private mutating func choice() throws(ChatTemplateFault) -> TemplateStatement {
    var branches = [TemplateBranch]()
    var end = "elif"
    while end == "elif" || branches.isEmpty {
      let line = line
      if branches.isEmpty { advance() }
      let condition = try tuple(allowsConditional: false)
      let (statements, name) = try body(until: ["elif", "else", "endif"])
      branches.append(TemplateBranch(line: line, condition: condition, body: statements))
      end = name
    }
    guard end == "else" else { return .choice(branches, otherwise: []) }
    return .choice(branches, otherwise: try body(until: ["endif"]).statements)
  }

  private mutating func loop(line: Int) throws(ChatTemplateFault) -> TemplateLoop {
    advance()
    let target = try target(allowsMember: false)
    guard take(keyword: "in") else { throw expected("“in”") }
    let iterable = try tuple(allowsConditional: false)
    let filter = take(keyword: "if") ? try expression() : nil
    if current == .name("recursive") { throw .unsupported("a recursive loop") }
    loopDepth += 1
    let (statements, end) = try scopedBody(until: ["endfor", "else"])
    loopDepth -= 1
    let otherwise = end == "else" ? try scopedBody(until: ["endfor"]).statements : []
    return TemplateLoop(
      line: line, target: target, iterable: iterable, filter: filter, body: statements,
      otherwise: otherwise)
  }

  private mutating func assignment(line: Int) throws(ChatTemplateFault) -> TemplateStatement {
    advance()
    let target = try target(allowsMember: true)
    if take(symbol: "=") {
      return .assignment(target, try tuple(allowsConditional: true), line: line)
    }
    var filters = [TemplateSuffix]()
    while take(symbol: "|") { filters.append(try filter()) }
    let body = try separateBody(until: "endset")
    return .capture(target, filters: filters, body, line: line)
  }

  /// A body that a loop outside of it cannot be left from.
  private mutating func separateBody(
    until end: String
  ) throws(ChatTemplateFault) -> [TemplateStatement] {
    let outerLoops = loopDepth
    loopDepth = 0
    defer { loopDepth = outerLoops }
    return try scopedBody(until: [end]).statements
  }

  private mutating func generation() throws(ChatTemplateFault) -> [TemplateStatement] {
    advance()
    return try separateBody(until: "endgeneration")
  }

  private mutating func exit(
    _ kind: TemplateLoopExit
  ) throws(ChatTemplateFault) -> TemplateLoopExit {
    guard loopDepth > 0 else { throw expected("a loop around it") }
    advance()
    return kind
  }

  private mutating func macro() throws(ChatTemplateFault) -> Int {
    guard scopeDepth == 0 else { throw .unsupported("a macro inside a block") }
    advance()
    let name = try expectName()
    let parameters = try parameters()
    isInMacro = true
    defer { isInMacro = false }
    let body = try separateBody(until: "endmacro")
    macros.append(TemplateMacro(name: name, parameters: parameters, body: body))
    return macros.count - 1
  }

  private mutating func parameters() throws(ChatTemplateFault) -> [TemplateMacro.Parameter] {
    try expect(.symbol("("))
    var parameters = [TemplateMacro.Parameter]()
    while current != .symbol(")") {
      if !parameters.isEmpty { try expect(.symbol(",")) }
      let name = try expectName()
      let fallback = take(symbol: "=") ? try expression() : nil
      if fallback == nil, let last = parameters.last, last.fallback != nil {
        throw expected("“=”")
      }
      guard !parameters.contains(where: { $0.name == name }) else {
        throw .syntax(expected: "different parameters", found: "“\(name)” twice")
      }
      parameters.append(TemplateMacro.Parameter(name: name, fallback: fallback))
    }
    advance()
    return parameters
  }

  // Targets.

  private mutating func target(
    allowsMember: Bool
  ) throws(ChatTemplateFault) -> TemplateTarget {
    let first = try simpleTarget(allowsMember: allowsMember)
    guard current == .symbol(",") else { return first }
    var targets = [first]
    while take(symbol: ",") { targets.append(try simpleTarget(allowsMember: allowsMember)) }
    return .tuple(targets)
  }

  private mutating func simpleTarget(
    allowsMember: Bool
  ) throws(ChatTemplateFault) -> TemplateTarget {
    if take(symbol: "(") {
      try descend()
      defer { ascend() }
      let inner = try target(allowsMember: allowsMember)
      try expect(.symbol(")"))
      return inner
    }
    let name = try expectName()
    if allowsMember, take(symbol: ".") { return .member(try expectName(), of: name) }
    let constants = ["true", "false", "none", "True", "False", "None"]
    guard !constants.contains(name), name != "loop" || loopDepth == 0 else {
      throw .unsupported("an assignment to “\(name)”")
    }
    return .name(name)
  }
}

extension TemplateExpression {
  /// The expression without a last filter `safe`: what is written is never escaped.
  fileprivate var withoutOutermostSafe: TemplateExpression {
    guard case .suffixed(let base, var suffixes) = self,
      case .filter("safe", let arguments) = suffixes.last, arguments.positional.isEmpty,
      arguments.named.isEmpty
    else { return self }
    suffixes.removeLast()
    return suffixes.isEmpty ? base : .suffixed(base, suffixes)
  }
}
