extension JSON {
  /// Levels of nesting that are accepted.
  public static let depthLimit = 128

  /// Reads one JSON text.
  ///
  /// - Parameter allowNonFinite: accepts bare `NaN`, `Infinity` and `-Infinity`, which Python writes into config.json.
  public init(parsing bytes: [UInt8], allowNonFinite: Bool = false) throws(JSONError) {
    var reader = JSONReader(bytes: bytes, allowNonFinite: allowNonFinite)
    self = try reader.document()
  }
}

/// A cursor over the bytes of a JSON text.
struct JSONReader {
  private let bytes: [UInt8]
  private let allowNonFinite: Bool
  private var index = 0

  init(bytes: [UInt8], allowNonFinite: Bool) {
    self.bytes = bytes
    self.allowNonFinite = allowNonFinite
  }

  mutating func document() throws(JSONError) -> JSON {
    let value = try value(depth: 0)
    skipSpace()
    guard index == bytes.count else { throw expected("the end of the text") }
    return value
  }

  private func expected(_ what: String) -> JSONError { .malformed(atByte: index, expected: what) }

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      index += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    index += 1
    return true
  }

  private mutating func take(word: String) -> Bool {
    guard bytes[index...].starts(with: word.utf8) else { return false }
    index += word.utf8.count
    return true
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSON {
    guard depth < JSON.depthLimit else { throw .tooDeep(limit: JSON.depthLimit) }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return .object(try object(depth: depth))
    case UInt8(ascii: "["): return .array(try array(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    default: break
    }
    if take(word: "true") { return .bool(true) }
    if take(word: "false") { return .bool(false) }
    if take(word: "null") { return .null }
    if allowNonFinite {
      if take(word: "NaN") { return .number(.nan) }
      if take(word: "Infinity") { return .number(.infinity) }
      if take(word: "-Infinity") { return .number(-.infinity) }
    }
    return try number()
  }

  private mutating func object(depth: Int) throws(JSONError) -> [ExactString: JSON] {
    index += 1
    var members = [ExactString: JSON]()
    skipSpace()
    if take(UInt8(ascii: "}")) { return members }
    while true {
      skipSpace()
      let start = index
      guard next == UInt8(ascii: "\"") else { throw expected("a key") }
      let key = ExactString(try string())
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw expected("‘:’") }
      let member = try value(depth: depth + 1)
      guard members.updateValue(member, forKey: key) == nil else {
        throw .repeatedKey(key.text, atByte: start)
      }
      skipSpace()
      if take(UInt8(ascii: "}")) { return members }
      guard take(UInt8(ascii: ",")) else { throw expected("‘,’ or ‘}’") }
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> [JSON] {
    index += 1
    var elements = [JSON]()
    skipSpace()
    if take(UInt8(ascii: "]")) { return elements }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return elements }
      guard take(UInt8(ascii: ",")) else { throw expected("‘,’ or ‘]’") }
    }
  }

  private mutating func string() throws(JSONError) -> String {
    index += 1
    let start = index
    var text = [UInt8]()
    var copied = start
    while let byte = next {
      index += 1
      switch byte {
      case UInt8(ascii: "\""):
        text += bytes[copied..<index - 1]
        guard let decoded = String(validating: text, as: UTF8.self) else {
          throw .invalidUTF8(atByte: start)
        }
        return decoded
      case UInt8(ascii: "\\"):
        text += bytes[copied..<index - 1]
        try escape(into: &text)
        copied = index
      case 0..<0x20:
        index -= 1
        throw expected("no control character inside a string")
      default: break
      }
    }
    throw expected("the end of the string that starts at byte \(start - 1)")
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    guard let byte = next else { throw expected("an escape") }
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: Array(Character(try escapedScalar()).utf8))
    default:
      index -= 1
      throw expected("one of the escapes of JSON")
    }
  }

  private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
    let first = try codeUnit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xD800..<0xDC00).contains(first), take(word: "\\u") else {
      throw expected("the second half of a surrogate pair")
    }
    let second = try codeUnit()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw expected("the second half of a surrogate pair") }
    return scalar
  }

  private mutating func codeUnit() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw expected("four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      index += 1
    }
    return value
  }

  private mutating func digits() throws(JSONError) {
    guard let byte = next, (0x30...0x39).contains(byte) else { throw expected("a value") }
    while let byte = next, (0x30...0x39).contains(byte) { index += 1 }
  }

  private mutating func number() throws(JSONError) -> JSON {
    let start = index
    _ = take(UInt8(ascii: "-"))
    let leadingZero = next == UInt8(ascii: "0")
    let firstDigit = index
    try digits()
    if leadingZero && index > firstDigit + 1 {
      index = firstDigit + 1
      throw expected("no digit after a leading zero")
    }
    var isInteger = true
    if take(UInt8(ascii: ".")) {
      isInteger = false
      try digits()
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isInteger = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isInteger, let value = Int64(text), text != "-0" { return .integer(value) }
    guard let value = Double(text), value.isFinite || allowNonFinite else {
      index = start
      throw expected("a number that fits a double")
    }
    return .number(value)
  }
}
