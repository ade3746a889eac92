extension TemplateInterpreter {
  mutating func value(
    of expression: TemplateExpression
  ) throws(ChatTemplateFault) -> TemplateValue {
    try spend(1)
    try descend()
    let value = try evaluate(expression)
    ascend()
    return value
  }

  private mutating func evaluate(
    _ expression: TemplateExpression
  ) throws(ChatTemplateFault) -> TemplateValue {
    switch expression {
    case .literal(let value): return value
    case .name(let name): return try lookUp(name)
    case .list(let elements):
      return .sequence(try TemplateSequence(.list, try values(of: elements)))
    case .tuple(let elements):
      return .sequence(try TemplateSequence(.tuple, try values(of: elements)))
    case .mapping(let pairs): return try mapping(pairs)
    case .suffixed(let base, let suffixes):
      var result = try value(of: base)
      for suffix in suffixes { result = try apply(suffix, to: result) }
      return result
    case .arithmetic(let first, let operations):
      return try combine(first, operations)
    case .comparison(let first, let operations): return try compare(first, operations)
    case .conjunction(let operands): return try firstOperand(operands, whereTrue: false)
    case .disjunction(let operands): return try firstOperand(operands, whereTrue: true)
    case .not(let operand): return .boolean(!(try value(of: operand).isTrue))
    case .signed(let isNegative, let operand):
      return try signed(try value(of: operand), isNegative: isNegative)
    case .conditional(let result, let condition, let otherwise):
      if try value(of: condition).isTrue { return try value(of: result) }
      guard let otherwise else { return .undefined("an expression whose “if” is false") }
      return try value(of: otherwise)
    }
  }

  /// Carries out operators of one level from the left; `~`, which has a level of its own, all at once.
  private mutating func combine(
    _ first: TemplateExpression, _ operations: [TemplateOperation<TemplateArithmetic>]
  ) throws(ChatTemplateFault) -> TemplateValue {
    if operations.first?.symbol == .concatenate {
      let values = try values(of: [first] + operations.map(\.operand))
      return .string(try joined(values, separator: ""))
    }
    var result = try value(of: first)
    for operation in operations {
      result = try combine(result, operation.symbol, try value(of: operation.operand))
    }
    return result
  }

  private mutating func values(
    of expressions: [TemplateExpression]
  ) throws(ChatTemplateFault) -> [TemplateValue] {
    var values = [TemplateValue]()
    for expression in expressions { values.append(try value(of: expression)) }
    return values
  }

  private mutating func mapping(
    _ pairs: [TemplatePair]
  ) throws(ChatTemplateFault) -> TemplateValue {
    var mapping = TemplateMapping()
    for pair in pairs {
      let key = try value(of: pair.key)
      guard case .string(let name) = key else { throw .unsupported("\(key.typeName) as a key") }
      try mapping.set(name, to: try value(of: pair.value))
    }
    return .mapping(mapping)
  }

  /// The first operand with that truth value, or the last.
  private mutating func firstOperand(
    _ operands: [TemplateExpression], whereTrue: Bool
  ) throws(ChatTemplateFault) -> TemplateValue {
    var result = TemplateValue.none
    for operand in operands {
      result = try value(of: operand)
      if result.isTrue == whereTrue { break }
    }
    return result
  }

  private mutating func compare(
    _ first: TemplateExpression, _ operations: [TemplateOperation<TemplateComparison>]
  ) throws(ChatTemplateFault) -> TemplateValue {
    var left = try value(of: first)
    for operation in operations {
      let right = try value(of: operation.operand)
      guard try holds(left, operation.symbol, right) else { return .boolean(false) }
      left = right
    }
    return .boolean(true)
  }

  /// What follows an operand, carried out on its value.
  mutating func apply(
    _ suffix: TemplateSuffix, to value: TemplateValue
  ) throws(ChatTemplateFault) -> TemplateValue {
    try spend(1)
    switch suffix {
    case .attribute(let name): return try attribute(name, of: value)
    case .item(let position): return try item(try self.value(of: position), of: value)
    case .slice(let start, let stop, let step):
      return try slice(
        value, start: try bound(start), stop: try bound(stop), step: try bound(step) ?? 1)
    case .call(let list): return try call(value, try arguments(list))
    case .filter(let name, let list): return try filter(name, value, try arguments(list))
    case .test(let name, let list, let isNegated):
      return .boolean(try test(name, value, try arguments(list)) != isNegated)
    }
  }

  private mutating func arguments(
    _ list: TemplateArgumentList
  ) throws(ChatTemplateFault) -> TemplateArguments {
    var arguments = TemplateArguments(positional: try values(of: list.positional))
    for argument in list.named {
      arguments.named.append((argument.name, try value(of: argument.value)))
    }
    return arguments
  }

  /// A bound of a slice; none counts as absent.
  private mutating func bound(_ expression: TemplateExpression?) throws(ChatTemplateFault) -> Int? {
    guard let expression else { return nil }
    let value = try value(of: expression)
    if case .none = value { return nil }
    guard let bound = value.asInteger else { throw .inapplicable("a slice", to: value.typeName) }
    return bound
  }

  private mutating func call(
    _ callee: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    switch callee {
    case .macro(let index): return try call(macro: index, arguments)
    case .function(let function): return try call(function, arguments)
    case .method(let name, let receiver): return try call(name, of: receiver, arguments)
    case .undefined(let what): throw .undefined(what)
    default: throw .inapplicable("a call", to: callee.typeName)
    }
  }
}
