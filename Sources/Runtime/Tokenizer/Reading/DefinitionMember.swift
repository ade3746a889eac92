import Format

/// A value of a tokenizer.json together with its path, for errors that say where.
struct DefinitionMember {
  let value: JSON
  let path: String

  /// Characters of a value that errors show.
  private static let shownCharacters = 120
  private static let depthLimit = 16

  /// A member, where `null` counts as absent.
  func optional(_ key: String) -> DefinitionMember? {
    value.present(key).map { DefinitionMember(value: $0, path: join(key)) }
  }

  /// A member that must exist.
  func required(_ key: String) throws(TokenizerFault) -> DefinitionMember {
    guard let member = optional(key) else { throw .missing(item: join(key)) }
    return member
  }

  private func join(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The value as text.
  func text() throws(TokenizerFault) -> String {
    guard let text = value.stringValue else { throw unexpected("a string") }
    return text
  }

  /// The value as a truth value.
  func flag() throws(TokenizerFault) -> Bool {
    guard let flag = value.boolValue else { throw unexpected("true or false") }
    return flag
  }

  /// The value as an integer.
  func integer() throws(TokenizerFault) -> Int {
    guard let integer = value.intValue else { throw unexpected("an integer") }
    return integer
  }

  /// The elements of an array.
  func elements() throws(TokenizerFault) -> [DefinitionMember] {
    guard let elements = value.arrayValue else { throw unexpected("an array") }
    return elements.enumerated().map {
      DefinitionMember(value: $0.element, path: "\(path)[\($0.offset)]")
    }
  }

  /// The members of an object.
  func members() throws(TokenizerFault) -> [ExactString: JSON] {
    guard let members = value.objectValue else { throw unexpected("an object") }
    return members
  }

  /// A flag that may be absent, in which case it has a value that the format fixes.
  func flag(_ key: String, absent: Bool) throws(TokenizerFault) -> Bool {
    guard let member = optional(key) else { return absent }
    return try member.flag()
  }

  /// The component's `type`.
  func type() throws(TokenizerFault) -> String {
    _ = try members()
    return try required("type").text()
  }

  /// The value as a text of one character.
  func scalar() throws(TokenizerFault) -> Unicode.Scalar {
    let scalars = try text().unicodeScalars
    guard let first = scalars.first, scalars.count == 1 else { throw unexpected("one character") }
    return first
  }

  /// This component, or the members of a `Sequence`, which may be sequences themselves.
  func flattened(_ key: String, depth: Int = 0) throws(TokenizerFault) -> [DefinitionMember] {
    guard try type() == "Sequence" else { return [self] }
    guard depth < Self.depthLimit else { throw unexpected("nested less deeply") }
    var parts = [DefinitionMember]()
    for part in try required(key).elements() {
      parts += try part.flattened(key, depth: depth + 1)
    }
    return parts
  }

  /// The fault of naming something that is not carried out.
  func unsupported() -> TokenizerFault { .unsupported(item: path, value: shownValue) }

  /// The fault of being of another type.
  func unexpected(_ expected: String) -> TokenizerFault {
    .unexpected(item: path, expected: expected, found: shownValue)
  }

  /// The value as it is shown in errors.
  var shownValue: String { shown(value.canonicalText) }

  /// A text, shortened for errors.
  func shown(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(Self.shownCharacters)
    return shown.count < text.unicodeScalars.count ? String(shown) + "…" : text
  }
}
