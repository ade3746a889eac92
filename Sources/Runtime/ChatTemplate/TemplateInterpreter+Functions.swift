extension TemplateInterpreter {
  mutating func call(
    _ function: TemplateFunction, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    switch function {
    case .dictionary: return .mapping(try mapping(from: arguments, for: function))
    case .namespace:
      namespaces.append(TemplateMapping())
      let index = namespaces.count - 1
      for (name, value) in try mapping(from: arguments, for: function).entries {
        try setMember(name, ofNamespace: index, to: value)
      }
      return .namespace(index)
    case .raiseException:
      let message = try arguments.bind(to: "“raise_exception”", ["message"], required: 1)[0]
      throw .raised(try text(of: message ?? .none))
    case .range: return try range(arguments)
    }
  }

  private mutating func mapping(
    from arguments: TemplateArguments, for function: TemplateFunction
  ) throws(ChatTemplateFault) -> TemplateMapping {
    var result = TemplateMapping()
    if let first = arguments.positional.first {
      guard arguments.positional.count == 1, case .mapping(let mapping) = first else {
        throw .unsupported("“\(function.rawValue)” of \(first.typeName)")
      }
      try spend(mapping.keys.count)
      result = mapping
    }
    for (name, value) in arguments.named { try result.set(name, to: value) }
    return result
  }

  private mutating func range(
    _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count) else {
      throw .inapplicable("“range”", to: "these arguments")
    }
    var bounds = [Int]()
    for argument in arguments.positional {
      if case .undefined(let what) = argument { throw .undefined(what) }
      guard let bound = argument.asInteger else {
        throw .inapplicable("“range”", to: argument.typeName)
      }
      bounds.append(bound)
    }
    let start = bounds.count > 1 ? bounds[0] : 0
    let stop = bounds.count > 1 ? bounds[1] : bounds[0]
    let step = bounds.count > 2 ? bounds[2] : 1
    guard step != 0 else { throw .impossibleArithmetic("a range with step 0") }
    let limit = ChatTemplateLimits.rangeCount
    var values = [TemplateValue]()
    for value in stride(from: start, to: stop, by: step) {
      guard values.count < limit else { throw .tooLong("a range", limit: limit) }
      values.append(.integer(value))
    }
    try spend(values.count)
    return .sequence(try TemplateSequence(.range, values))
  }
}
