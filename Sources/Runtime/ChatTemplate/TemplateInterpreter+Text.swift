extension TemplateInterpreter {
  /// The texts of values after each other.
  mutating func joined(
    _ values: [TemplateValue], separator: String
  ) throws(ChatTemplateFault) -> String {
    var result = ""
    for (index, value) in values.enumerated() {
      if index > 0 { try append(separator, to: &result) }
      try append(try text(of: value), to: &result)
    }
    return result
  }

  /// As `joined`, but takes nothing except texts.
  mutating func joinedTexts(
    _ values: [TemplateValue], separator: String
  ) throws(ChatTemplateFault) -> String {
    for value in values { _ = try string(value, for: "“join”") }
    return try joined(values, separator: separator)
  }

  mutating func append(_ text: String, to result: inout String) throws(ChatTemplateFault) {
    try spend(bytes: text.utf8.count)
    let limit = ChatTemplateLimits.textByteCount
    guard text.utf8.count <= limit - result.utf8.count else {
      throw .tooLong("a text", limit: limit)
    }
    result += text
  }

  /// The first place of a text in another, at or after a position, counted in code points.
  mutating func firstPosition(
    of part: [Unicode.Scalar], in text: [Unicode.Scalar], from start: Int
  ) throws(ChatTemplateFault) -> Int? {
    var compared = 0
    var position = start
    while position <= text.count - part.count {
      var length = 0
      while length < part.count, text[position + length] == part[length] { length += 1 }
      if length == part.count {
        try spend(bytes: compared)
        return position
      }
      compared += length + 1
      if compared > 1 << 16 {
        try spend(bytes: compared)
        compared = 0
      }
      position += 1
    }
    try spend(bytes: compared)
    return nil
  }

  /// The text cut at a separator, at most `limit` times if that is not negative.
  ///
  /// - Precondition: the separator is not empty, except where only the count of the pieces is used.
  mutating func pieces(
    of text: String, separatedBy separator: String, limit: Int
  ) throws(ChatTemplateFault) -> [String] {
    let scalars = Array(text.unicodeScalars)
    let separator = Array(separator.unicodeScalars)
    var pieces = [String]()
    var start = 0
    var search = 0
    while limit < 0 || pieces.count < limit,
      let position = try firstPosition(of: separator, in: scalars, from: search)
    {
      pieces.append(String(scalars[start..<position]))
      start = position + separator.count
      search = max(start, position + 1)
      try spend(1)
    }
    return pieces + [String(scalars[min(start, scalars.count)...])]
  }

  /// The text with one part replaced, at most `count` times if that is not negative.
  mutating func replaced(
    _ text: String, _ old: String, with new: String, count: Int
  ) throws(ChatTemplateFault) -> String {
    if old.isEmpty { return try interspersed(text, with: new, count: count) }
    let pieces = try pieces(of: text, separatedBy: old, limit: count)
    return try joined(pieces.map { .string($0) }, separator: new)
  }

  /// Replacing the empty text puts the new one before each code point and at the end.
  private mutating func interspersed(
    _ text: String, with new: String, count: Int
  ) throws(ChatTemplateFault) -> String {
    var result = ""
    var left = count
    for scalar in text.unicodeScalars {
      if left != 0 { try append(new, to: &result) }
      left -= left > 0 ? 1 : 0
      try append(String(scalar), to: &result)
    }
    if left != 0 { try append(new, to: &result) }
    return result
  }

  func stripped(
    _ text: String, of characters: Set<Unicode.Scalar>?, atStart: Bool, atEnd: Bool
  ) -> String {
    func isDropped(_ scalar: Unicode.Scalar) -> Bool {
      characters?.contains(scalar) ?? scalar.isPythonSpace
    }
    var rest = text.unicodeScalars[...]
    if atStart { rest = rest.drop(while: isDropped) }
    if atEnd {
      while let last = rest.last, isDropped(last) { rest.removeLast() }
    }
    return String(rest)
  }

  /// Upper case, lower case or a capital and lower case.
  func recased(_ text: String, _ name: String) throws(ChatTemplateFault) -> String {
    guard name == "upper" || !text.unicodeScalars.contains("\u{3A3}") else {
      throw .unsupported("lower case of “Σ”, which depends on its place,")
    }
    switch name {
    case "upper": return text.uppercased()
    case "lower": return text.lowercased()
    default:
      guard let first = text.unicodeScalars.first else { return "" }
      return first.properties.titlecaseMapping
        + String(text.unicodeScalars.dropFirst()).lowercased()
    }
  }
}

extension String {
  /// Whether the text starts or ends with exactly these bytes.
  func hasExact(_ part: String, atStart: Bool) -> Bool {
    guard part.utf8.count <= utf8.count else { return false }
    return atStart
      ? utf8.starts(with: part.utf8) : utf8.suffix(part.utf8.count).elementsEqual(part.utf8)
  }

  /// The words between whitespace; after `limit` cuts, if that is not negative, the rest is one.
  func pythonWords(limit: Int) -> [String] {
    var words = [String]()
    var rest = unicodeScalars[...]
    while true {
      rest = rest.drop(while: \.isPythonSpace)
      guard !rest.isEmpty else { return words }
      guard limit < 0 || words.count < limit else { return words + [String(rest)] }
      let word = rest.prefix { !$0.isPythonSpace }
      words.append(String(word))
      rest = rest[word.endIndex...]
    }
  }

  /// The lines as `str.splitlines` cuts them.
  func pythonLines(keepingEnds: Bool) -> [String] {
    var lines = [String]()
    var line = UnicodeScalarView()
    var rest = unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar.endsPythonLine else {
        line.append(scalar)
        continue
      }
      if keepingEnds { line.append(scalar) }
      if scalar == "\r", rest.first == "\n" {
        rest.removeFirst()
        if keepingEnds { line.append("\n") }
      }
      lines.append(String(line))
      line = UnicodeScalarView()
    }
    return line.isEmpty ? lines : lines + [String(line)]
  }
}

extension Unicode.Scalar {
  fileprivate var endsPythonLine: Bool {
    switch value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }
}
