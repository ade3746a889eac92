extension TemplateParser {
  /// Attributes, items and calls, as many as follow.
  mutating func postfixes() throws(ChatTemplateFault) -> [TemplateSuffix] {
    var suffixes = [TemplateSuffix]()
    while true {
      switch current {
      case .symbol("."):
        advance()
        suffixes.append(try attribute())
      case .symbol("["):
        advance()
        suffixes.append(try item())
      case .symbol("("): suffixes.append(.call(try arguments()))
      default: return suffixes
      }
    }
  }

  /// Filters and tests, as many as follow, and calls of their results.
  mutating func filters() throws(ChatTemplateFault) -> [TemplateSuffix] {
    var suffixes = [TemplateSuffix]()
    while true {
      switch current {
      case .symbol("|"):
        advance()
        suffixes.append(try filter())
      case .name("is"):
        advance()
        suffixes.append(try test())
      case .symbol("("): suffixes.append(.call(try arguments()))
      default: return suffixes
      }
    }
  }

  private mutating func attribute() throws(ChatTemplateFault) -> TemplateSuffix {
    if case .integer(let position) = current {
      advance()
      return .item(.literal(.integer(position)))
    }
    return .attribute(try expectName())
  }

  private mutating func item() throws(ChatTemplateFault) -> TemplateSuffix {
    if current == .symbol(":") { return try slice(start: nil) }
    let position = try expression()
    if current == .symbol(":") { return try slice(start: position) }
    if current == .symbol(",") { throw .unsupported("an item with several positions") }
    try expect(.symbol("]"))
    return .item(position)
  }

  /// The rest of a slice, from its first colon.
  private mutating func slice(
    start: TemplateExpression?
  ) throws(ChatTemplateFault) -> TemplateSuffix {
    var bounds = [TemplateExpression?]()
    while bounds.count < 2, take(symbol: ":") {
      let isAbsent = current == .symbol(":") || current == .symbol("]")
      bounds.append(isAbsent ? nil : try expression())
    }
    try expect(.symbol("]"))
    return .slice(
      start: start, stop: bounds.first ?? nil, step: bounds.count > 1 ? bounds[1] : nil)
  }

  /// A filter, from its name.
  mutating func filter() throws(ChatTemplateFault) -> TemplateSuffix {
    let name = try dottedName()
    let arguments = current == .symbol("(") ? try arguments() : TemplateArgumentList()
    return .filter(name, arguments)
  }

  /// A test, from what follows `is`.
  private mutating func test() throws(ChatTemplateFault) -> TemplateSuffix {
    let isNegated = take(keyword: "not")
    let name = try dottedName()
    var arguments = TemplateArgumentList()
    switch current {
    case .symbol("("): arguments = try self.arguments()
    case .name("else"), .name("or"), .name("and"): break
    case .name("is"): throw .syntax(expected: "one test", found: "“is”")
    case .name, .string, .integer, .number, .symbol("["), .symbol("{"):
      arguments.positional.append(try bareOperand())
    default: break
    }
    return .test(name, arguments, isNegated: isNegated)
  }

  private mutating func dottedName() throws(ChatTemplateFault) -> String {
    var name = try expectName()
    while take(symbol: ".") { name += "." + (try expectName()) }
    return name
  }

  private mutating func arguments() throws(ChatTemplateFault) -> TemplateArgumentList {
    advance()
    var list = TemplateArgumentList()
    var isFirst = true
    while !take(symbol: ")") {
      if !isFirst {
        try expect(.symbol(","))
        if take(symbol: ")") { break }
      }
      isFirst = false
      try argument(into: &list)
    }
    return list
  }

  private mutating func argument(
    into list: inout TemplateArgumentList
  ) throws(ChatTemplateFault) {
    if current == .symbol("*") || current == .symbol("**") {
      throw .unsupported("an argument that is unpacked")
    }
    guard case .name(let name) = current, next == .symbol("=") else {
      guard list.named.isEmpty else { throw expected("a name and “=”") }
      list.positional.append(try expression())
      return
    }
    advance()
    advance()
    guard !list.named.contains(where: { $0.name == name }) else {
      throw .syntax(expected: "different names of arguments", found: "“\(name)” twice")
    }
    list.named.append(TemplateArgumentList.Named(name: name, value: try expression()))
  }
}
