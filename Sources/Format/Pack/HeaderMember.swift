/// A value inside a header, with the path that leads to it, so that an error can name it.
struct HeaderMember {
  let value: JSON
  let path: String
  let file: String

  func refusal(expected: String) -> FormatError {
    .malformed(
      file: file, item: path.isEmpty ? "the header" : path, found: value.canonicalText,
      expected: expected)
  }

  func optionalMember(_ key: String) -> HeaderMember? {
    value[key].map { HeaderMember(value: $0, path: path + "." + key, file: file) }
  }

  func member(_ key: String) throws(FormatError) -> HeaderMember {
    guard let member = optionalMember(key) else {
      throw .malformed(
        file: file, item: path + "." + key, found: "missing", expected: "to be there")
    }
    return member
  }

  func elements(limit: Int) throws(FormatError) -> [HeaderMember] {
    guard let elements = value.arrayValue else { throw refusal(expected: "an array") }
    guard elements.count <= limit else {
      throw .tooLarge(
        file: file, item: "the count of \(path)", found: UInt64(elements.count),
        limit: UInt64(limit))
    }
    return elements.enumerated().map { position, element in
      HeaderMember(value: element, path: "\(path)[\(position)]", file: file)
    }
  }

  var object: JSON {
    get throws(FormatError) {
      guard value.objectValue != nil else { throw refusal(expected: "an object") }
      return value
    }
  }

  var text: String {
    get throws(FormatError) {
      guard let text = value.stringValue else { throw refusal(expected: "a text") }
      return text
    }
  }

  /// A short text for people and programs: not empty and without control characters.
  var name: String {
    get throws(FormatError) {
      let text = try text
      guard !text.isEmpty,
        !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0 == "\u{7F}" })
      else { throw refusal(expected: "a text with characters that are all printable") }
      guard text.utf8.count <= PackLimits.nameSize else {
        throw .tooLarge(
          file: file, item: "the length of \(path)", found: UInt64(text.utf8.count),
          limit: UInt64(PackLimits.nameSize))
      }
      return text
    }
  }

  /// An integer from 0 to 2⁶³ − 1, written without fraction and exponent.
  var size: Int {
    get throws(FormatError) {
      guard case .integer(let number) = value, number >= 0, let size = Int(exactly: number) else {
        throw refusal(expected: "an integer that is not negative")
      }
      return size
    }
  }

  func require(text expected: String) throws(FormatError) {
    guard value.stringValue == expected else { throw refusal(expected: "“\(expected)”") }
  }
}
