extension TemplateInterpreter {
  /// `map`, `select`, `reject`, `selectattr` and `rejectattr`, which give iterators; of a false value, an empty one.
  mutating func elementFilter(
    _ name: String, _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    guard value.isTrue else { return iterator(over: []) }
    let elements = try elements(of: value, for: "the filter “\(name)”")
    if name == "map" { return iterator(over: try mapped(elements, arguments)) }
    let usesAttribute = name.hasSuffix("attr")
    var rest = arguments
    let attribute = usesAttribute && !rest.positional.isEmpty ? rest.positional.removeFirst() : nil
    guard attribute != nil || !usesAttribute else {
      throw .inapplicable("the filter “\(name)”", to: "no attribute")
    }
    let testName = rest.positional.isEmpty ? nil : rest.positional.removeFirst()
    var selected = [TemplateValue]()
    for element in elements {
      var subject = element
      if let attribute { subject = try member(attribute, of: element) }
      let holds = try passes(subject, testName, rest)
      if holds == name.hasPrefix("select") { selected.append(element) }
    }
    return iterator(over: selected)
  }

  private mutating func passes(
    _ value: TemplateValue, _ testName: TemplateValue?, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> Bool {
    guard let testName else { return value.isTrue }
    return try test(try string(testName, for: "the name of a test"), value, arguments)
  }

  private mutating func mapped(
    _ elements: [TemplateValue], _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> [TemplateValue] {
    var rest = arguments
    var mapped = [TemplateValue]()
    if rest.positional.isEmpty {
      let callee = "the filter “map”"
      let values = try arguments.bind(to: callee, ["attribute", "default"], required: 1)
      for element in elements {
        var result = try member(values[0] ?? .none, of: element)
        if result.isUndefined, let fallback = values[1] { result = fallback }
        mapped.append(result)
      }
      return mapped
    }
    let name = try string(rest.positional.removeFirst(), for: "the name of a filter")
    for element in elements { mapped.append(try filter(name, element, rest)) }
    return mapped
  }

  /// A member by name or position, or by a path such as `function.name`.
  mutating func member(
    _ path: TemplateValue, of value: TemplateValue
  ) throws(ChatTemplateFault) -> TemplateValue {
    guard case .string(let names) = path else { return try item(path, of: value) }
    var result = value
    for name in try pieces(of: names, separatedBy: ".", limit: -1) {
      let isNumber = !name.isEmpty && name.utf8.allSatisfy { (0x30...0x39).contains($0) }
      let position = isNumber ? Int(name) : nil
      result = try item(position.map { .integer($0) } ?? .string(name), of: result)
    }
    return result
  }
}
