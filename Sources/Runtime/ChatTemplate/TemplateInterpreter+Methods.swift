import Format

extension TemplateInterpreter {
  mutating func call(
    _ name: String, of receiver: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    guard arguments.named.isEmpty || name.hasPrefix("split") else {
      throw .inapplicable("“\(name)”", to: "an argument “\(arguments.named[0].name)”")
    }
    switch receiver {
    case .string(let text): return try call(name, of: text, arguments)
    case .mapping(let mapping): return try call(name, of: mapping, arguments)
    default: throw .unsupported("“\(name)” of \(receiver.typeName)")
    }
  }

  private mutating func call(
    _ name: String, of mapping: TemplateMapping, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    if name == "get" {
      let values = try arguments.bind(to: "“get”", ["key", "default"], required: 1)
      guard case .string(let key)? = values[0], let entry = mapping[key] else {
        return values[1] ?? .none
      }
      return entry
    }
    _ = try arguments.bind(to: "“\(name)”", [])
    switch name {
    case "items": return try items(of: mapping)
    case "keys":
      return .sequence(try TemplateSequence(.view, mapping.keys.map { .string($0.text) }))
    default: return .sequence(try TemplateSequence(.view, mapping.entries.map(\.value)))
    }
  }

  /// Pairs of key and value.
  func items(of mapping: TemplateMapping) throws(ChatTemplateFault) -> TemplateValue {
    var items = [TemplateValue]()
    for (key, value) in mapping.entries {
      items.append(.sequence(try TemplateSequence(.tuple, [.string(key), value])))
    }
    return .sequence(try TemplateSequence(.view, items))
  }

  private mutating func call(
    _ name: String, of text: String, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    try spend(bytes: text.utf8.count)
    let callee = "“\(name)”"
    switch name {
    case "upper", "lower", "capitalize":
      _ = try arguments.bind(to: callee, [])
      return .string(try recased(text, name))
    case "strip", "lstrip", "rstrip":
      let set = try characters(try arguments.bind(to: callee, ["chars"])[0], for: callee)
      return .string(
        stripped(text, of: set, atStart: name != "rstrip", atEnd: name != "lstrip"))
    case "split": return try split(text, arguments)
    case "splitlines":
      let keepsEnds = try arguments.bind(to: callee, ["keepends"])[0]?.isTrue ?? false
      return try list(text.pythonLines(keepingEnds: keepsEnds))
    case "join":
      let parts = try arguments.bind(to: callee, ["iterable"], required: 1)[0] ?? .none
      return .string(try joinedTexts(try elements(of: parts, for: callee), separator: text))
    default: return try search(text, name, arguments)
    }
  }

  /// The methods that look for another text.
  private mutating func search(
    _ text: String, _ name: String, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    let callee = "“\(name)”"
    if name == "replace" {
      let values = try arguments.bind(to: callee, ["old", "new", "count"], required: 2)
      return .string(
        try replaced(
          text, try string(values[0], for: callee), with: try string(values[1], for: callee),
          count: try integer(values[2], for: callee) ?? -1))
    }
    let value = try arguments.bind(to: callee, ["text"], required: 1)[0]
    if name == "startswith" || name == "endswith", case .sequence(let choices)? = value,
      choices.kind == .tuple
    {
      for choice in choices.elements {
        let part = try string(choice, for: callee)
        if text.hasExact(part, atStart: name == "startswith") { return .boolean(true) }
      }
      return .boolean(false)
    }
    let part = try string(value, for: callee)
    switch name {
    case "startswith": return .boolean(text.hasExact(part, atStart: true))
    case "endswith": return .boolean(text.hasExact(part, atStart: false))
    case "removeprefix":
      guard text.hasExact(part, atStart: true) else { return .string(text) }
      return .string(String(text.unicodeScalars.dropFirst(part.unicodeScalars.count)))
    case "removesuffix":
      guard text.hasExact(part, atStart: false) else { return .string(text) }
      return .string(String(text.unicodeScalars.dropLast(part.unicodeScalars.count)))
    case "find":
      let scalars = Array(text.unicodeScalars)
      return .integer(try firstPosition(of: Array(part.unicodeScalars), in: scalars, from: 0) ?? -1)
    default: return .integer(try pieces(of: text, separatedBy: part, limit: -1).count - 1)
    }
  }

  private mutating func split(
    _ text: String, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> TemplateValue {
    let values = try arguments.bind(to: "“split”", ["sep", "maxsplit"])
    let limit = try integer(values[1], for: "“split”") ?? -1
    switch values[0] {
    case nil, .some(.none): return try list(text.pythonWords(limit: limit))
    case let separator:
      let separator = try string(separator, for: "“split”")
      guard !separator.isEmpty else { throw .inapplicable("“split”", to: "an empty separator") }
      return try list(try pieces(of: text, separatedBy: separator, limit: limit))
    }
  }

  mutating func list(_ texts: [String]) throws(ChatTemplateFault) -> TemplateValue {
    try spend(texts.count)
    return .sequence(try TemplateSequence(.list, texts.map { .string($0) }))
  }

  func string(
    _ value: TemplateValue?, for callee: String
  ) throws(ChatTemplateFault) -> String {
    guard case .string(let text)? = value else {
      throw .inapplicable(callee, to: value?.typeName ?? "nothing")
    }
    return text
  }

  func integer(_ value: TemplateValue?, for callee: String) throws(ChatTemplateFault) -> Int? {
    guard let value else { return nil }
    guard let integer = value.asInteger else { throw .inapplicable(callee, to: value.typeName) }
    return integer
  }

  /// The characters to strip; nothing for whitespace.
  func characters(
    _ value: TemplateValue?, for callee: String
  ) throws(ChatTemplateFault) -> Set<Unicode.Scalar>? {
    switch value {
    case nil, .some(.none): return nil
    default: return Set(try string(value, for: callee).unicodeScalars)
    }
  }
}
