import Format

/// Reads the `model` of a tokenizer.json: settings, vocabulary, merges.
struct ModelReader {
  private(set) var vocabulary = Vocabulary()
  private(set) var model: BytePairModel

  /// - Parameter isByteLevel: pieces are spelled as bytes and not as characters.
  init(_ member: DefinitionMember, isByteLevel: Bool) throws(TokenizerFault) {
    try Self.checkSettings(member)
    let entries = try member.required("vocab")
    let members = try entries.members()
    vocabulary.reserveCapacity(members.count)
    for (name, id) in members {
      guard let id = id.intValue else {
        throw .unexpected(
          item: "\(entries.path).\(name)", expected: "an integer",
          found: DefinitionMember(value: id, path: "").shownValue)
      }
      try vocabulary.add(name, id: id)
    }
    let ignoresMerges = try member.flag("ignore_merges", absent: false)
    let spelling: BytePairModel.Spelling =
      isByteLevel
      ? .bytes(try Self.byteIDs(vocabulary))
      : .characters(try CharacterSpelling(reading: member, vocabulary, members))
    model = BytePairModel(
      spelling: spelling,
      wholePieces: ignoresMerges
        ? Self.wholePieces(members, areBytes: isByteLevel) : nil)
    let merges = try member.required("merges")
    guard let pairs = merges.value.arrayValue else { throw merges.unexpected("an array") }
    try readMerges(pairs)
  }

  /// Refuses settings that change ids.
  private static func checkSettings(_ member: DefinitionMember) throws(TokenizerFault) {
    if let type = member.optional("type"), try type.text() != "BPE" {
      throw .unsupportedModel(item: type.path, type: try type.text())
    }
    if let dropout = member.optional("dropout"), dropout.value.doubleValue != 0 {
      throw dropout.unsupported()
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let affix = member.optional(key), try !affix.text().isEmpty { throw affix.unsupported() }
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

  private static func wholePieces(
    _ entries: [ExactString: JSON], areBytes: Bool
  ) -> [[UInt8]: Int] {
    var pieces = [[UInt8]: Int]()
    for (name, id) in entries {
      let bytes = areBytes ? ByteAlphabet.bytes(of: name.text) : Array(name.text.utf8)
      if let bytes { pieces[bytes] = id.intValue }
    }
    return pieces
  }

  private mutating func readMerges(_ merges: [JSON]) throws(TokenizerFault) {
    guard merges.count <= BytePairModel.mergeLimit else {
      throw .tooManyMerges(count: merges.count, limit: BytePairModel.mergeLimit)
    }
    model.reserveCapacity(merges.count)
    var cutsBeforeMarks = model.hasMarks
    for (index, merge) in merges.enumerated() {
      let (left, right) = try Self.pair(merge, index: index)
      let leftID = try id(of: left, merge: index)
      let rightID = try id(of: right, merge: index)
      let merged = try id(of: left + right, merge: index)
      model.add(left: leftID, right: rightID, BytePairModel.Merge(rank: index, id: merged))
      if cutsBeforeMarks { cutsBeforeMarks = !CharacterSpelling.crossesMark(left + right) }
    }
    model.cutsBeforeMarks = cutsBeforeMarks
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

extension BytePairModel {
  /// The mark of SentencePiece is a token of its own.
  fileprivate var hasMarks: Bool {
    guard case .characters(let spelling) = spelling else { return false }
    return spelling.id(of: CharacterSpelling.mark.scalar(at: 0).scalar) != nil
  }
}

extension CharacterSpelling {
  fileprivate init(
    reading member: DefinitionMember, _ vocabulary: Vocabulary, _ entries: [ExactString: JSON]
  ) throws(TokenizerFault) {
    let characters = entries.compactMap { name, id -> (scalar: Unicode.Scalar, id: Int)? in
      let scalars = name.text.unicodeScalars
      guard scalars.count == 1, let scalar = scalars.first, let id = id.intValue else { return nil }
      return (scalar, id)
    }
    let fallsBack = try member.flag("byte_fallback", absent: false)
    let byteIDs = (UInt8.min...UInt8.max).map { byte -> Int? in
      let digits = String(byte, radix: 16, uppercase: true)
      let name = "<0x\(byte < 16 ? "0" : "")\(digits)>"
      return fallsBack ? vocabulary.id(of: ExactString(name)) : nil
    }
    self.init(
      characters: characters, byteIDs: byteIDs,
      unknown: try Self.unknown(member, vocabulary),
      fusesUnknown: try member.flag("fuse_unk", absent: false))
  }

  private static func unknown(
    _ model: DefinitionMember, _ vocabulary: Vocabulary
  ) throws(TokenizerFault) -> Int? {
    guard let member = model.optional("unk_token") else { return nil }
    let name = try member.text()
    guard let id = vocabulary.id(of: ExactString(name)) else {
      throw .notInVocabulary(item: member.path, token: name)
    }
    return id
  }
}
