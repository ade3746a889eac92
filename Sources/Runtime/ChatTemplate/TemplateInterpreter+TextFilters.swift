extension TemplateInterpreter {
  /// The filters that take the text of any value.
  mutating func textFilter(
    _ name: String, _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    let callee = "the filter “\(name)”"
    switch name {
    case "tojson": return .string(try json(value, arguments))
    case "indent": return .string(try indented(value, arguments))
    default: break
    }
    let text = try text(of: value)
    try spend(bytes: text.utf8.count)
    switch name {
    case "trim":
      let set = try characters(try arguments.bind(to: callee, ["chars"])[0], for: callee)
      return .string(stripped(text, of: set, atStart: true, atEnd: true))
    case "replace":
      let values = try arguments.bind(to: callee, ["old", "new", "count"], required: 2)
      let old = try self.text(of: values[0] ?? .none)
      let new = try self.text(of: values[1] ?? .none)
      return .string(
        try replaced(text, old, with: new, count: try integer(values[2], for: callee) ?? -1))
    default: break
    }
    _ = try arguments.bind(to: callee, [])
    switch name {
    case "string": return .string(text)
    case "title": return .string(try titled(text))
    default: return .string(try recased(text, name))
    }
  }

  /// A capital at the start and after blanks, hyphens and opening brackets; lower case elsewhere.
  private func titled(_ text: String) throws(ChatTemplateFault) -> String {
    func separates(_ scalar: Unicode.Scalar) -> Bool {
      scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar)
    }
    var result = ""
    var isAfterSeparator: Bool?
    for scalar in try recased(text, "lower").unicodeScalars {
      let isSeparator = separates(scalar)
      let startsWord = isAfterSeparator != isSeparator
      result += startsWord ? scalar.properties.uppercaseMapping : String(scalar)
      isAfterSeparator = isSeparator
    }
    return result
  }

  private mutating func indented(
    _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> String {
    let callee = "the filter “indent”"
    let values = try arguments.bind(to: callee, ["width", "first", "blank"])
    if case .undefined(let what) = value { throw .undefined(what) }
    let text = try string(value, for: callee)
    let indentation = try indentation(values[0] ?? .integer(4))
    let indentsFirst = values[1]?.isTrue ?? false
    let indentsBlank = values[2]?.isTrue ?? false
    var result = ""
    for (index, line) in (text + "\n").pythonLines(keepingEnds: false).enumerated() {
      if index > 0 { try append("\n", to: &result) }
      let isIndented = index == 0 ? indentsFirst : indentsBlank || !line.isEmpty
      if isIndented { try append(indentation, to: &result) }
      try append(line, to: &result)
    }
    return result
  }

  private mutating func indentation(_ width: TemplateValue) throws(ChatTemplateFault) -> String {
    if case .string(let text) = width { return text }
    guard let count = width.asInteger else {
      throw .inapplicable("the filter “indent”", to: width.typeName)
    }
    let limit = ChatTemplateLimits.textByteCount
    guard count <= limit else { throw .tooLong("a text", limit: limit) }
    try spend(bytes: count)
    return String(repeating: " ", count: max(count, 0))
  }
}
