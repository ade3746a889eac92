import Format

/// The tokens that a file puts around a text if asked to.
struct SpecialTokens: Sendable {
  private(set) var prefix = [Int]()
  private(set) var suffix = [Int]()

  init() {}

  /// Reads a post-processor: `ByteLevel`, which changes no ids, `TemplateProcessing`, or a `Sequence` of them.
  init(reading member: DefinitionMember) throws(TokenizerFault) {
    for part in try member.flattened("processors") {
      let type = try part.required("type")
      switch try type.text() {
      case "ByteLevel": break
      case "TemplateProcessing": try add(template: part)
      default: throw type.unsupported()
      }
    }
  }

  private mutating func add(template: DefinitionMember) throws(TokenizerFault) {
    var before = [Int]()
    var after = [Int]()
    var isAfter = false
    let pieces = try template.required("single")
    for piece in try pieces.elements() {
      if piece.optional("Sequence") != nil {
        guard !isAfter else { throw pieces.unsupported() }
        isAfter = true
      } else {
        let name = try piece.required("SpecialToken").required("id").text()
        let ids = try template.required("special_tokens").required(name).required("ids")
        for id in try ids.elements() {
          let value = try id.integer()
          guard (0...Vocabulary.idLimit).contains(value) else {
            throw .idOutOfRange(token: name, id: value, limit: Vocabulary.idLimit)
          }
          if isAfter { after.append(value) } else { before.append(value) }
        }
      }
    }
    guard isAfter else { throw pieces.unsupported() }
    prefix = before + prefix
    suffix += after
  }

  /// Follows `add_bos_token` and `add_eos_token` of a tokenizer_config.json, which override the template.
  mutating func apply(
    configuration: DefinitionMember, _ vocabulary: Vocabulary
  ) throws(TokenizerFault) {
    if let flag = configuration.optional("add_bos_token") {
      prefix = try flag.flag() ? [try vocabulary.id(named: configuration, "bos_token")] : []
    }
    if let flag = configuration.optional("add_eos_token") {
      suffix = try flag.flag() ? [try vocabulary.id(named: configuration, "eos_token")] : []
    }
  }
}

extension Vocabulary {
  /// The id of a token that a configuration names, as text or as an object with `content`.
  fileprivate func id(
    named configuration: DefinitionMember, _ key: String
  ) throws(TokenizerFault) -> Int {
    let member = try configuration.required(key)
    let name = try (member.optional("content") ?? member).text()
    guard let id = id(of: ExactString(name)) else {
      throw .notInVocabulary(item: member.path, token: name)
    }
    return id
  }
}
