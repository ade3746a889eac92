extension TemplateParser {
  /// An expression, or a tuple if a comma follows.
  ///
  /// - Parameter allowsConditional: whether `a if b` is part of it; not in `if` and `for`.
  mutating func tuple(allowsConditional: Bool) throws(ChatTemplateFault) -> TemplateExpression {
    let first = try allowsConditional ? expression() : disjunction()
    guard current == .symbol(",") else { return first }
    var elements = [first]
    while take(symbol: ",") {
      if isTupleEnd { break }
      elements.append(try allowsConditional ? expression() : disjunction())
    }
    return .tuple(elements)
  }

  private var isTupleEnd: Bool {
    current == .outputEnd || current == .statementEnd || current == .symbol(")")
  }

  mutating func expression() throws(ChatTemplateFault) -> TemplateExpression {
    try descend()
    defer { ascend() }
    let value = try disjunction()
    guard take(keyword: "if") else { return value }
    let condition = try disjunction()
    let otherwise = take(keyword: "else") ? try expression() : nil
    guard current != .name("if") else { throw .unsupported("“if” after “if” in an expression") }
    return .conditional(value, if: condition, otherwise: otherwise)
  }

  private mutating func disjunction() throws(ChatTemplateFault) -> TemplateExpression {
    let first = try conjunction()
    guard current == .name("or") else { return first }
    var operands = [first]
    while take(keyword: "or") { operands.append(try conjunction()) }
    return .disjunction(operands)
  }

  private mutating func conjunction() throws(ChatTemplateFault) -> TemplateExpression {
    let first = try negation()
    guard current == .name("and") else { return first }
    var operands = [first]
    while take(keyword: "and") { operands.append(try negation()) }
    return .conjunction(operands)
  }

  private mutating func negation() throws(ChatTemplateFault) -> TemplateExpression {
    var isNegated = false
    var isPresent = false
    while take(keyword: "not") {
      isNegated.toggle()
      isPresent = true
    }
    let operand = try comparison()
    if isNegated { return .not(operand) }
    return isPresent ? .not(.not(operand)) : operand
  }

  private mutating func comparison() throws(ChatTemplateFault) -> TemplateExpression {
    let first = try arithmetic(level: 0)
    var operations = [TemplateOperation<TemplateComparison>]()
    while let symbol = takeComparison() {
      operations.append(TemplateOperation(symbol: symbol, operand: try arithmetic(level: 0)))
    }
    return operations.isEmpty ? first : .comparison(first, operations)
  }

  private mutating func takeComparison() -> TemplateComparison? {
    switch current {
    case .symbol(let symbol):
      guard let comparison = TemplateComparison(rawValue: symbol) else { return nil }
      advance()
      return comparison
    case .name("in"):
      advance()
      return .isIn
    case .name("not") where next == .name("in"):
      advance()
      advance()
      return .isNotIn
    default: return nil
    }
  }

  /// From the loosest level to the tightest.
  private static let levels: [[TemplateArithmetic]] = [
    [.add, .subtract], [.concatenate], [.multiply, .divide, .floorDivide, .modulo],
  ]

  private mutating func arithmetic(level: Int) throws(ChatTemplateFault) -> TemplateExpression {
    guard level < Self.levels.count else { return try operand(allowsFilters: true) }
    let first = try arithmetic(level: level + 1)
    var operations = [TemplateOperation<TemplateArithmetic>]()
    while case .symbol(let text) = current, let symbol = TemplateArithmetic(rawValue: text),
      Self.levels[level].contains(symbol)
    {
      advance()
      operations.append(
        TemplateOperation(symbol: symbol, operand: try arithmetic(level: level + 1)))
    }
    return operations.isEmpty ? first : .arithmetic(first, operations)
  }

  /// An operand with its sign and what follows it; filters bind looser than the sign.
  private mutating func operand(
    allowsFilters: Bool
  ) throws(ChatTemplateFault) -> TemplateExpression {
    let value: TemplateExpression
    if current == .symbol("-") || current == .symbol("+") {
      let isNegative = current == .symbol("-")
      advance()
      try descend()
      defer { ascend() }
      value = .signed(isNegative: isNegative, try operand(allowsFilters: false))
    } else {
      value = try primary()
    }
    var suffixes = try postfixes()
    if allowsFilters { suffixes += try filters() }
    if current == .symbol("**") { throw .unsupported("the operator “**”") }
    return suffixes.isEmpty ? value : .suffixed(value, suffixes)
  }

  /// An operand without sign and filters, as the argument of a test.
  mutating func bareOperand() throws(ChatTemplateFault) -> TemplateExpression {
    let value = try primary()
    let suffixes = try postfixes()
    return suffixes.isEmpty ? value : .suffixed(value, suffixes)
  }

  private mutating func primary() throws(ChatTemplateFault) -> TemplateExpression {
    switch current {
    case .name(let name):
      advance()
      return try reference(name)
    case .string:
      var text = ""
      while case .string(let part) = current {
        text += part
        advance()
      }
      return .literal(.string(text))
    case .integer(let value):
      advance()
      return .literal(.integer(value))
    case .number(let value):
      advance()
      return .literal(.number(value))
    case .symbol("("):
      advance()
      if take(symbol: ")") { return .tuple([]) }
      let value = try tuple(allowsConditional: true)
      try expect(.symbol(")"))
      return value
    case .symbol("["): return .list(try list())
    case .symbol("{"): return .mapping(try mapping())
    default: throw expected("an expression")
    }
  }

  private func reference(_ name: String) throws(ChatTemplateFault) -> TemplateExpression {
    switch name {
    case "true", "True": return .literal(.boolean(true))
    case "false", "False": return .literal(.boolean(false))
    case "none", "None": return .literal(.none)
    case "varargs", "kwargs", "caller":
      guard !isInMacro else { throw .unsupported("“\(name)” in a macro") }
      return .name(name)
    default: return .name(name)
    }
  }

  private mutating func list() throws(ChatTemplateFault) -> [TemplateExpression] {
    advance()
    var elements = [TemplateExpression]()
    while !take(symbol: "]") {
      if !elements.isEmpty {
        try expect(.symbol(","))
        if take(symbol: "]") { break }
      }
      elements.append(try expression())
    }
    return elements
  }

  private mutating func mapping() throws(ChatTemplateFault) -> [TemplatePair] {
    advance()
    var pairs = [TemplatePair]()
    while !take(symbol: "}") {
      if !pairs.isEmpty {
        try expect(.symbol(","))
        if take(symbol: "}") { break }
      }
      let key = try expression()
      try expect(.symbol(":"))
      pairs.append(TemplatePair(key: key, value: try expression()))
    }
    return pairs
  }
}
