import Format

/// The components of a tokenizer.json, checked completely.
struct TokenizerDefinition {
  let vocabulary: Vocabulary
  let model: BytePairModel
  let literalTokens: AddedTokenMatcher
  let normalizedTokens: AddedTokenMatcher
  let normalizer: Normalizer
  let preTokenizer: PreTokenizer
  let decoder: TokenDecoder
  let specialTokens: SpecialTokens

  init(parsing json: [UInt8], configuration: [UInt8]?) throws(TokenizerFault) {
    let root = try Self.parse(json, path: "")
    let version = try root.required("version")
    guard try version.text() == "1.0" else { throw version.unsupported() }
    decoder = try TokenDecoder(reading: try root.required("decoder"))
    let normalizer =
      try root.optional("normalizer").map(Normalizer.init(reading:)) ?? Normalizer(steps: [])
    preTokenizer =
      try root.optional("pre_tokenizer").map(PreTokenizer.init(reading:)) ?? PreTokenizer(steps: [])
    var specialTokens =
      try root.optional("post_processor").map(SpecialTokens.init(reading:)) ?? SpecialTokens()

    let modelReader = try ModelReader(
      try root.required("model"), isByteLevel: preTokenizer.isByteLevel)
    var vocabulary = modelReader.vocabulary
    model = modelReader.model
    var literal = AddedTokenMatcher()
    var normalized = AddedTokenMatcher()
    for member in try root.optional("added_tokens")?.elements() ?? [] {
      let name = try member.required("content").text()
      let token = try AddedToken(reading: member, normalizer: normalizer)
      let isNew = token.isNormalized ? normalized.add(token) : literal.add(token)
      guard isNew else { throw .repeatedAddedToken(name) }
      try vocabulary.add(ExactString(name), token)
    }
    literalTokens = literal
    normalizedTokens = normalized
    if let configuration {
      let member = try Self.parse(configuration, path: "tokenizer_config")
      try specialTokens.apply(configuration: member, vocabulary)
    }
    self.specialTokens = specialTokens
    self.vocabulary = vocabulary
    self.normalizer = normalizer
  }

  private static func parse(
    _ json: [UInt8], path: String
  ) throws(TokenizerFault) -> DefinitionMember {
    do throws(JSONError) {
      return DefinitionMember(value: try JSON(parsing: json), path: path)
    } catch {
      throw .malformed(error)
    }
  }
}

extension AddedToken {
  /// - Parameter normalizer: changes what normalized tokens match as it changes the text.
  fileprivate init(reading member: DefinitionMember, normalizer: Normalizer) throws(TokenizerFault)
  {
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
    bytes = isNormalized ? normalizer.normalize(content).bytes : content
    guard !bytes.isEmpty else { throw .emptyAddedToken(id: id) }
  }
}
