extension TemplateInterpreter {
  /// What `{{ }}` writes: Python's `str`.
  mutating func text(of value: TemplateValue) throws(ChatTemplateFault) -> String {
    switch value {
    case .undefined: return ""
    case .string(let text): return text
    default: return try representation(of: value)
    }
  }

  /// Python's `repr`.
  private mutating func representation(
    of value: TemplateValue
  ) throws(ChatTemplateFault) -> String {
    try spend(1)
    switch value {
    case .undefined: return "Undefined"
    case .none: return "None"
    case .boolean(let value): return value ? "True" : "False"
    case .integer(let value): return String(value)
    case .number(let value): return value.pythonText
    case .string(let text):
      try spend(bytes: text.utf8.count)
      return text.pythonLiteral
    case .sequence(let sequence): return try representation(of: sequence)
    case .mapping(let mapping):
      var text = "{"
      for (index, (key, value)) in mapping.entries.enumerated() {
        let entry = "\(index == 0 ? "" : ", ")\(key.pythonLiteral): "
        try append(entry, to: &text)
        try append(try representation(of: value), to: &text)
      }
      return text + "}"
    case .iterator, .namespace, .loop, .macro, .function, .method:
      throw .unsupported("writing \(value.typeName)")
    }
  }

  private mutating func representation(
    of sequence: TemplateSequence
  ) throws(ChatTemplateFault) -> String {
    guard sequence.kind == .list || sequence.kind == .tuple else {
      throw .unsupported("writing \(sequence.kind.rawValue)")
    }
    let isTuple = sequence.kind == .tuple
    var text = isTuple ? "(" : "["
    for (index, element) in sequence.elements.enumerated() {
      try append(index == 0 ? "" : ", ", to: &text)
      try append(try representation(of: element), to: &text)
    }
    if isTuple { return text + (sequence.elements.count == 1 ? ",)" : ")") }
    return text + "]"
  }
}

extension Double {
  /// Python's `repr`: shortest digits, an exponent from 1e16 on.
  var pythonText: String {
    if isNaN { return "nan" }
    if isInfinite { return self < 0 ? "-inf" : "inf" }
    if abs(self) < 1e16, self == rounded(), !(self == 0 && sign == .minus) {
      return "\(Int64(self)).0"
    }
    return description
  }
}

extension String {
  /// Python's `repr` of a text.
  var pythonLiteral: String {
    let quote: Unicode.Scalar =
      unicodeScalars.contains("'") && !unicodeScalars.contains("\"") ? "\"" : "'"
    var text = UnicodeScalarView()
    text.append(quote)
    for scalar in unicodeScalars {
      switch scalar {
      case quote, "\\": text.append(contentsOf: ["\\", scalar])
      case "\n": text.append(contentsOf: ["\\", "n"])
      case "\r": text.append(contentsOf: ["\\", "r"])
      case "\t": text.append(contentsOf: ["\\", "t"])
      default:
        if scalar.isPythonPrintable {
          text.append(scalar)
        } else {
          text.append(contentsOf: scalar.pythonEscape.unicodeScalars)
        }
      }
    }
    text.append(quote)
    return String(text)
  }
}

extension Unicode.Scalar {
  fileprivate var isPythonPrintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      false
    case .spaceSeparator: self == " "
    default: true
    }
  }

  fileprivate var pythonEscape: String {
    let (letter, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
    let digits = String(value, radix: 16)
    return "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
  }
}
