/// How the filter `tojson` writes.
struct TemplateJSONLayout {
  /// What one level is indented by; nothing for everything on one line.
  let indentation: String?
  let escapesNonASCII: Bool
}

extension TemplateInterpreter {
  /// The filter `tojson` as transformers defines it: Python's `json.dumps`, nothing escaped for HTML.
  mutating func json(
    _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateFault) -> String {
    let names = ["ensure_ascii", "indent", "separators", "sort_keys"]
    let values = try arguments.bind(to: "“tojson”", names)
    for (name, value) in zip(names, values).dropFirst(2) where value != nil {
      throw .unsupported("the argument “\(name)” of “tojson”")
    }
    var text = ""
    let layout = TemplateJSONLayout(
      indentation: try indentation(values[1]), escapesNonASCII: values[0]?.isTrue ?? false)
    try write(value, layout, level: 0, to: &text)
    return text
  }

  private func indentation(_ value: TemplateValue?) throws(ChatTemplateFault) -> String? {
    switch value {
    case nil, .some(.none): return nil
    case .string(let text)?: return text
    default:
      let width = max(try integer(value, for: "“tojson”") ?? 0, 0)
      guard width <= ChatTemplateLimits.stepByteCount else {
        throw .tooLong("an indentation", limit: ChatTemplateLimits.stepByteCount)
      }
      return String(repeating: " ", count: width)
    }
  }

  private mutating func write(
    _ value: TemplateValue, _ layout: TemplateJSONLayout, level: Int, to text: inout String
  ) throws(ChatTemplateFault) {
    switch value {
    case .none: try append("null", to: &text)
    case .boolean(let value): try append(value ? "true" : "false", to: &text)
    case .integer(let value): try append(String(value), to: &text)
    case .number(let value):
      let names = ["nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"]
      try append(names[value.pythonText] ?? value.pythonText, to: &text)
    case .string(let value): try append(value.jsonLiteral(layout), to: &text)
    case .sequence(let sequence) where sequence.kind == .list || sequence.kind == .tuple:
      try write(sequence.elements, layout, level: level, to: &text)
    case .mapping(let mapping): try write(mapping, layout, level: level, to: &text)
    default: throw .inapplicable("“tojson”", to: value.typeName)
    }
  }

  private mutating func write(
    _ elements: [TemplateValue], _ layout: TemplateJSONLayout, level: Int, to text: inout String
  ) throws(ChatTemplateFault) {
    guard !elements.isEmpty else { return try append("[]", to: &text) }
    try append("[", to: &text)
    for (index, element) in elements.enumerated() {
      try separate(isFirst: index == 0, layout, level: level + 1, in: &text)
      try write(element, layout, level: level + 1, to: &text)
    }
    try close("]", layout, level: level, in: &text)
  }

  private mutating func write(
    _ mapping: TemplateMapping, _ layout: TemplateJSONLayout, level: Int, to text: inout String
  ) throws(ChatTemplateFault) {
    guard !mapping.keys.isEmpty else { return try append("{}", to: &text) }
    try append("{", to: &text)
    for (index, (key, value)) in mapping.entries.enumerated() {
      try separate(isFirst: index == 0, layout, level: level + 1, in: &text)
      try append(key.jsonLiteral(layout) + ": ", to: &text)
      try write(value, layout, level: level + 1, to: &text)
    }
    try close("}", layout, level: level, in: &text)
  }

  private mutating func separate(
    isFirst: Bool, _ layout: TemplateJSONLayout, level: Int, in text: inout String
  ) throws(ChatTemplateFault) {
    guard layout.indentation != nil else { return try append(isFirst ? "" : ", ", to: &text) }
    if !isFirst { try append(",", to: &text) }
    try breakLine(layout, level: level, in: &text)
  }

  private mutating func close(
    _ bracket: String, _ layout: TemplateJSONLayout, level: Int, in text: inout String
  ) throws(ChatTemplateFault) {
    try breakLine(layout, level: level, in: &text)
    try append(bracket, to: &text)
  }

  private mutating func breakLine(
    _ layout: TemplateJSONLayout, level: Int, in text: inout String
  ) throws(ChatTemplateFault) {
    guard let indentation = layout.indentation else { return }
    try append("\n", to: &text)
    for _ in 0..<level { try append(indentation, to: &text) }
  }
}

extension String {
  fileprivate func jsonLiteral(_ layout: TemplateJSONLayout) -> String {
    var text = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{8}": text += "\\b"
      case "\u{C}": text += "\\f"
      default:
        if scalar.value < 0x20 || layout.escapesNonASCII && scalar.value > 0x7E {
          text += scalar.jsonEscape
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    return text + "\""
  }
}

extension Unicode.Scalar {
  /// Code units of UTF-16 in hexadecimal.
  fileprivate var jsonEscape: String {
    UTF16.encode(self).map { units in
      units.map { unit in
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }.joined()
    } ?? ""
  }
}
