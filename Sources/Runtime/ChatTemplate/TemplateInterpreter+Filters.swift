extension TemplateInterpreter {
  /// `value | name(arguments)`.
  mutating func filter(
    _ name: String, _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    switch name {
    case "upper", "lower", "capitalize", "title", "trim", "string", "replace", "indent", "tojson":
      return try textFilter(name, value, arguments)
    case "map", "select", "reject", "selectattr", "rejectattr":
      return try elementFilter(name, value, arguments)
    case "default", "d": return try fallback(value, arguments)
    case "int": return try integerFilter(value, arguments)
    case "join": return .string(try join(value, arguments))
    default: break
    }
    let callee = "the filter “\(name)”"
    guard ["length", "count", "first", "last", "list", "items", "reverse"].contains(name) else {
      throw .unsupported(callee)
    }
    _ = try arguments.bind(to: callee, [])
    switch name {
    case "length", "count": return .integer(try count(of: value, for: callee))
    case "first": return try first(of: value, for: callee)
    case "last": return try reversed(value, for: callee).first ?? .undefined("the last item")
    case "list": return .sequence(try TemplateSequence(.list, try elements(of: value, for: callee)))
    case "items":
      guard case .mapping(let mapping) = value else {
        guard value.isUndefined else { throw .inapplicable(callee, to: value.typeName) }
        return iterator(over: [])
      }
      return iterator(over: try elements(of: try items(of: mapping), for: callee))
    default:
      if case .string(let text) = value {
        try spend(bytes: text.utf8.count)
        return .string(String(text.unicodeScalars.reversed()))
      }
      return iterator(over: try reversed(value, for: callee))
    }
  }

  private mutating func count(
    of value: TemplateValue, for callee: String
  ) throws(ChatTemplateFault) -> Int {
    switch value {
    case .undefined: return 0
    case .string(let text):
      try spend(bytes: text.utf8.count)
      return text.unicodeScalars.count
    case .sequence(let sequence): return sequence.elements.count
    case .mapping(let mapping): return mapping.keys.count
    case .loop(let position): return position.elements.count
    default: throw .inapplicable(callee, to: value.typeName)
    }
  }

  private mutating func first(
    of value: TemplateValue, for callee: String
  ) throws(ChatTemplateFault) -> TemplateValue {
    let absent = TemplateValue.undefined("the first item")
    if case .iterator(let index) = value {
      return iterators[index].isEmpty ? absent : iterators[index].removeFirst()
    }
    return try elements(of: value, for: callee).first ?? absent
  }

  private mutating func reversed(
    _ value: TemplateValue, for callee: String
  ) throws(ChatTemplateFault) -> [TemplateValue] {
    if case .iterator = value { throw .inapplicable(callee, to: value.typeName) }
    return try elements(of: value, for: callee).reversed()
  }

  private func fallback(
    _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    let values = try arguments.bind(to: "the filter “default”", ["default_value", "boolean"])
    let isReplaced = value.isUndefined || (values[1]?.isTrue ?? false) && !value.isTrue
    return isReplaced ? values[0] ?? .string("") : value
  }

  private mutating func join(
    _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> String {
    let callee = "the filter “join”"
    let values = try arguments.bind(to: callee, ["d", "attribute"])
    var elements = try elements(of: value, for: callee)
    if let attribute = values[1] {
      for index in elements.indices {
        elements[index] = try member(attribute, of: elements[index])
      }
    }
    return try joined(elements, separator: try text(of: values[0] ?? .string("")))
  }

  /// Texts are read as an integer, else as a number whose fraction is dropped.
  private func integerFilter(
    _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    let values = try arguments.bind(to: "the filter “int”", ["default", "base"])
    guard values[1] == nil else { throw .unsupported("the argument “base” of “int”") }
    let fallback = values[0] ?? .integer(0)
    let number: Double
    switch value {
    case .undefined(let what): throw .undefined(what)
    case .boolean, .integer: return .integer(value.asInteger ?? 0)
    case .number(let value): number = value
    case .string(let text):
      let text = stripped(text, of: nil, atStart: true, atEnd: true)
      guard !text.unicodeScalars.contains(where: \.isUnusualInPythonNumber) else {
        throw .unsupported("the filter “int” of “\(text)”")
      }
      if let integer = Int(text) { return .integer(integer) }
      let usual = "0123456789+-.eE".unicodeScalars
      guard text.unicodeScalars.allSatisfy(usual.contains), let parsed = Double(text) else {
        return fallback
      }
      number = parsed
    default: return fallback
    }
    if number.isNaN || number.isInfinite { return fallback }
    guard let integer = Int(exactly: number.rounded(.towardZero)) else {
      throw .impossibleArithmetic("the filter “int” of \(number.pythonText)")
    }
    return .integer(integer)
  }
}

extension Unicode.Scalar {
  /// What Python accepts in a number besides ASCII.
  fileprivate var isUnusualInPythonNumber: Bool {
    self == "_" || !isASCII && properties.generalCategory == .decimalNumber
  }
}
