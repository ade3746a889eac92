import Format

/// Reads the `model` of a tokenizer.json: settings, vocabulary, merges.
struct ModelReader {
  private(set) var vocabulary = Vocabulary()
  private(set) var model: BytePairModel

  init(_ member: DefinitionMember) throws(TokenizerFault) {
    try Self.checkSettings(member)
    let entries = try member.required("vocab")
    for (name, id) in try entries.members() {
      guard let id = id.intValue else {
        throw .unexpected(
          item: "\(entries.path).\(name)", expected: "an integer",
          found: DefinitionMember(value: id, path: "").shownValue)
      }
      try vocabulary.add(name, id: id)
    }
    let ignoresMerges = try member.flag("ignore_merges", absent: false)
    model = BytePairModel(
      byteIDs: try Self.byteIDs(vocabulary),
      wholePieces: ignoresMerges ? Self.wholePieces(try entries.members()) : nil)
    let merges = try member.required("merges")
    guard let pairs = merges.value.arrayValue else { throw merges.unexpected("an array") }
    try readMerges(pairs)
  }

  /// Refuses settings that change ids. `unk_token` and `fuse_unk` cannot: every byte has a token.
  private static func checkSettings(_ member: DefinitionMember) throws(TokenizerFault) {
    if let type = member.optional("type"), try type.text() != "BPE" { throw type.unsupported() }
    if let dropout = member.optional("dropout"), dropout.value.doubleValue != 0 {
      throw dropout.unsupported()
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let affix = member.optional(key), try !affix.text().isEmpty { throw affix.unsupported() }
    }
    if let fallback = member.optional("byte_fallback"), try fallback.flag() {
      throw fallback.unsupported()
    }
  }

  private static func byteIDs(_ vocabulary: Vocabulary) throws(TokenizerFault) -> [Int] {
    var ids = [Int]()
    for (byte, scalar) in zip(UInt8.min...UInt8.max, ByteAlphabet.scalars) {
      guard let id = vocabulary.id(of: ExactString(String(Character(scalar)))) else {
        throw .missingByte(byte)
      }
      ids.append(id)
    }
    return ids
  }

  private static func wholePieces(_ entries: [ExactString: JSON]) -> [[UInt8]: Int] {
    var pieces = [[UInt8]: Int]()
    for (name, id) in entries {
      if let bytes = ByteAlphabet.bytes(of: name.text) { pieces[bytes] = id.intValue }
    }
    return pieces
  }

  private mutating func readMerges(_ merges: [JSON]) throws(TokenizerFault) {
    guard merges.count <= BytePairModel.mergeLimit else {
      throw .tooManyMerges(count: merges.count, limit: BytePairModel.mergeLimit)
    }
    for (index, merge) in merges.enumerated() {
      let (left, right) = try Self.pair(merge, index: index)
      let leftID = try id(of: left, merge: index)
      let rightID = try id(of: right, merge: index)
      let merged = try id(of: left + right, merge: index)
      model.add(left: leftID, right: rightID, BytePairModel.Merge(rank: index, id: merged))
    }
  }

  private static func pair(
    _ merge: JSON, index: Int
  ) throws(TokenizerFault) -> (String, String) {
    switch merge {
    case .string(let text):
      let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      if parts.count == 2 { return (String(Substring(parts[0])), String(Substring(parts[1]))) }
    case .array(let parts):
      if parts.count == 2, let left = parts[0].stringValue, let right = parts[1].stringValue {
        return (left, right)
      }
    default: break
    }
    throw .malformedMerge(
      index: index, found: DefinitionMember(value: merge, path: "").shownValue)
  }

  private func id(of piece: String, merge: Int) throws(TokenizerFault) -> Int {
    guard let id = vocabulary.id(of: ExactString(piece)) else {
      throw .unknownMergePiece(index: merge, piece: piece)
    }
    return id
  }
}
