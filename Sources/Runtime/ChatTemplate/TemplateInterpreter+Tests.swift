extension TemplateInterpreter {
  /// `value is name(arguments)`.
  mutating func test(
    _ name: String, _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> Bool {
    if let comparison = Self.comparisons[name] {
      let other = try arguments.bind(to: "the test “\(name)”", ["other"], required: 1)[0]
      return try holds(value, comparison, other ?? .none)
    }
    guard let result = try typeTest(name, value) else { throw .unsupported("the test “\(name)”") }
    _ = try arguments.bind(to: "the test “\(name)”", [])
    return result
  }

  private static let comparisons: [String: TemplateComparison] = [
    "==": .equal, "eq": .equal, "equalto": .equal, "!=": .notEqual, "ne": .notEqual,
    "<": .less, "lt": .less, "lessthan": .less, "<=": .lessOrEqual, "le": .lessOrEqual,
    ">": .greater, "gt": .greater, "greaterthan": .greater, ">=": .greaterOrEqual,
    "ge": .greaterOrEqual, "in": .isIn,
  ]

  /// Whether the value is of that sort; nothing if the test is unknown.
  private func typeTest(
    _ name: String, _ value: TemplateValue
  ) throws(ChatTemplateFault) -> Bool? {
    switch (name, value) {
    case ("defined", _): return !value.isUndefined
    case ("undefined", _): return value.isUndefined
    case ("none", .none), ("boolean", .boolean), ("string", .string), ("mapping", .mapping),
      ("float", .number), ("integer", .integer):
      return true
    case ("true", .boolean(let isTrue)): return isTrue
    case ("false", .boolean(let isTrue)): return !isTrue
    case ("none", _), ("boolean", _), ("string", _), ("mapping", _), ("float", _),
      ("integer", _), ("true", _), ("false", _):
      return false
    case ("number", _): return value.asNumber != nil
    case ("sequence", _): return isSequence(value)
    case ("iterable", _): return isSequence(value) || isIteratedOnly(value)
    case ("odd", _), ("even", _):
      guard let integer = value.asInteger else {
        throw .inapplicable("the test “\(name)”", to: value.typeName)
      }
      return integer.isMultiple(of: 2) == (name == "even")
    default: return nil
    }
  }

  private func isSequence(_ value: TemplateValue) -> Bool {
    switch value {
    case .undefined, .string, .mapping: true
    case .sequence(let sequence): sequence.kind != .view
    default: false
    }
  }

  private func isIteratedOnly(_ value: TemplateValue) -> Bool {
    switch value {
    case .iterator, .loop: true
    case .sequence(let sequence): sequence.kind == .view
    default: false
    }
  }
}
