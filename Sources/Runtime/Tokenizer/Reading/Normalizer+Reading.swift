import Format

extension Normalizer {
  /// Reads a normalizer: one component or a `Sequence` of them.
  init(reading member: DefinitionMember) throws(TokenizerFault) {
    var steps = [Step]()
    for part in try member.flattened("normalizers") { steps.append(try Step(reading: part)) }
    self.steps = steps
  }
}

extension Normalizer.Step {
  fileprivate init(reading member: DefinitionMember) throws(TokenizerFault) {
    let type = try member.required("type")
    let name = try type.text()
    if let form = NormalForm(rawValue: name) {
      self = .form(form)
      return
    }
    switch name {
    case "Lowercase": self = .lowercase
    case "Strip":
      self = .strip(
        left: try member.required("strip_left").flag(),
        right: try member.required("strip_right").flag())
    case "StripAccents": self = .stripAccents
    case "Prepend": self = .prepend(Array(try member.required("prepend").text().utf8))
    case "Replace":
      self = .replace(
        try TextPattern(reading: try member.required("pattern")),
        with: Array(try member.required("content").text().utf8))
    default: throw type.unsupported()
    }
  }
}

extension TextPattern {
  /// Reads `{"String": …}` or `{"Regex": …}`.
  init(reading member: DefinitionMember) throws(TokenizerFault) {
    if let literal = member.optional("String") {
      let text = try literal.text()
      guard !text.isEmpty else { throw literal.unexpected("a text that is not empty") }
      let only = text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
      self = only.map { .scalar(ScalarSet($0)) } ?? .literal(Array(text.utf8))
      return
    }
    let expression = try member.required("Regex").text()
    if ExactString(expression) == ExactString(WordScanner.expression) {
      self = .words
      return
    }
    do throws(ExpressionFault) {
      self = .expression(try ExpressionProgram(expression))
    } catch {
      throw .unsupportedExpression(
        item: member.path, expression: member.shown(expression), part: error.part)
    }
  }
}
