import Format

/// The components of a tokenizer.json, checked completely.
struct TokenizerDefinition {
  let vocabulary: Vocabulary
  let model: BytePairModel
  let literalTokens: AddedTokenMatcher
  let normalizedTokens: AddedTokenMatcher
  let composes: Bool
  let preTokenizer: PreTokenizer

  init(parsing json: [UInt8]) throws(TokenizerFault) {
    let root: DefinitionMember
    do throws(JSONError) {
      root = DefinitionMember(value: try JSON(parsing: json), path: "")
    } catch {
      throw .malformed(error)
    }
    let version = try root.required("version")
    guard try version.text() == "1.0" else { throw version.unsupported() }
    try Self.checkDecoder(try root.required("decoder"))
    let composes = try root.optional("normalizer").map(Self.composes) ?? false
    preTokenizer = try PreTokenizer(reading: try root.required("pre_tokenizer"))

    let modelReader = try ModelReader(try root.required("model"))
    var vocabulary = modelReader.vocabulary
    model = modelReader.model
    var literal = AddedTokenMatcher()
    var normalized = AddedTokenMatcher()
    for member in try root.optional("added_tokens")?.elements() ?? [] {
      let name = try member.required("content").text()
      let token = try AddedToken(reading: member, composes: composes)
      let isNew = token.isNormalized ? normalized.add(token) : literal.add(token)
      guard isNew else { throw .repeatedAddedToken(name) }
      try vocabulary.add(ExactString(name), token)
    }
    literalTokens = literal
    normalizedTokens = normalized
    self.vocabulary = vocabulary
    self.composes = composes
  }

  private static func checkDecoder(_ decoder: DefinitionMember) throws(TokenizerFault) {
    let type = try decoder.required("type")
    guard try type.text() == "ByteLevel" else { throw type.unsupported() }
  }

  /// Whether a normalizer composes; a sequence does if any of its members does.
  private static func composes(_ normalizer: DefinitionMember) throws(TokenizerFault) -> Bool {
    let type = try normalizer.required("type")
    switch try type.text() {
    case "NFC": return true
    case "Sequence":
      var result = false
      for member in try normalizer.required("normalizers").elements() {
        let composes = try composes(member)
        result = result || composes
      }
      return result
    default: throw type.unsupported()
    }
  }
}

extension AddedToken {
  /// - Parameter composes: whether the tokenizer normalizes, and with it what normalized tokens match.
  fileprivate init(reading member: DefinitionMember, composes: Bool) throws(TokenizerFault) {
    let content = Array(try member.required("content").text().utf8)
    id = try member.required("id").integer()
    isNormalized = try member.required("normalized").flag()
    isSingleWord = try member.required("single_word").flag()
    stripsLeft = try member.required("lstrip").flag()
    stripsRight = try member.required("rstrip").flag()
    guard !content.isEmpty else { throw .emptyAddedToken(id: id) }
    guard content.count <= Self.byteLimit else {
      throw .addedTokenTooLong(id: id, byteCount: content.count, limit: Self.byteLimit)
    }
    bytes = isNormalized && composes ? CanonicalComposition.compose(content[...]) : content
  }
}

extension PreTokenizer {
  /// Reads `ByteLevel`, or a `Sequence` of splits by the expression of GPT-2 that ends with `ByteLevel`.
  fileprivate init(reading member: DefinitionMember) throws(TokenizerFault) {
    let type = try member.required("type")
    switch try type.text() {
    case "ByteLevel":
      try self.init(byteLevel: member, afterSplit: false)
    case "Sequence":
      let steps = member.optional("pretokenizers")
      guard let steps, let last = try steps.elements().last, try last.type() == "ByteLevel" else {
        throw member.unsupported()
      }
      let splits = try steps.elements().dropLast()
      for split in splits { try Self.checkSplit(split) }
      try self.init(byteLevel: last, afterSplit: !splits.isEmpty)
    default: throw type.unsupported()
    }
  }

  private init(byteLevel member: DefinitionMember, afterSplit: Bool) throws(TokenizerFault) {
    let prefix = try member.required("add_prefix_space")
    addsPrefixSpace = try prefix.flag()
    // After a split every word would get a space of its own.
    guard !(addsPrefixSpace && afterSplit) else { throw prefix.unsupported() }
    let usesExpression = try member.flag("use_regex", absent: true)
    splitsWords = usesExpression || afterSplit
  }

  private static func checkSplit(_ split: DefinitionMember) throws(TokenizerFault) {
    let type = try split.required("type")
    guard try type.text() == "Split" else { throw type.unsupported() }
    let pattern = try split.required("pattern")
    guard let expression = pattern.value["Regex"]?.stringValue,
      ExactString(expression) == ExactString(WordScanner.expression)
    else { throw pattern.unsupported() }
    let behavior = try split.required("behavior")
    guard try behavior.text() == "Isolated" else { throw behavior.unsupported() }
    if let invert = split.optional("invert"), try invert.flag() { throw invert.unsupported() }
  }
}
