extension TemplateLexer {
  /// Reads a string literal with the escapes of Python.
  mutating func readString(quote: Unicode.Scalar) throws(ChatTemplateFault) {
    var text = String.UnicodeScalarView()
    var position = index + 1
    while let scalar = scalar(at: position), scalar != quote {
      if scalar == "\\" {
        let escape = try escape(at: position + 1)
        text.append(contentsOf: escape.text)
        position = escape.end
      } else {
        text.append(scalar)
        position += 1
      }
    }
    guard scalar(at: position) == quote else {
      throw .syntax(expected: "the end of the string", found: "the end of the template")
    }
    append(.string(String(text)))
    advance(by: position + 1 - index)
  }

  private static let simpleEscapes: [Unicode.Scalar: [Unicode.Scalar]] = [
    "\\": ["\\"], "'": ["'"], "\"": ["\""], "a": ["\u{7}"], "b": ["\u{8}"], "f": ["\u{C}"],
    "n": ["\n"], "r": ["\r"], "t": ["\t"], "v": ["\u{B}"], "\n": [],
  ]

  /// The escape whose first scalar after the backslash is at `start`. Unknown ones stand for themselves.
  private func escape(
    at start: Int
  ) throws(ChatTemplateFault) -> (text: [Unicode.Scalar], end: Int) {
    guard let kind = scalar(at: start) else {
      throw .syntax(expected: "the end of the string", found: "the end of the template")
    }
    if let text = Self.simpleEscapes[kind] { return (text, start + 1) }
    switch kind {
    case "x": return try numeric(digitsAt: start + 1, count: 2)
    case "u": return try numeric(digitsAt: start + 1, count: 4)
    case "U": return try numeric(digitsAt: start + 1, count: 8)
    case "0"..."7": return octal(at: start)
    case "N": throw .unsupported("the escape “\\N”")
    default: return (["\\", kind], start + 1)
    }
  }

  private func numeric(
    digitsAt start: Int, count: Int
  ) throws(ChatTemplateFault) -> (text: [Unicode.Scalar], end: Int) {
    let end = start + count
    guard end <= source.count, source[start..<end].allSatisfy({ $0.properties.isASCIIHexDigit }),
      let value = UInt32(String(source[start..<end]), radix: 16), let scalar = Unicode.Scalar(value)
    else {
      throw .syntax(
        expected: "\(count) hexadecimal digits of a code point", found: "another escape")
    }
    return ([scalar], end)
  }

  private func octal(at start: Int) -> (text: [Unicode.Scalar], end: Int) {
    var value: UInt32 = 0
    var end = start
    while end < start + 3, let scalar = scalar(at: end), ("0"..."7").contains(scalar) {
      value = value * 8 + (scalar.value - 0x30)
      end += 1
    }
    return (Unicode.Scalar(value).map { [$0] } ?? [], end)
  }
}
