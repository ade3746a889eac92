import Format

/// The two directions between tokens and ids.
struct Vocabulary {
  /// The largest id that is accepted.
  static let idLimit = 1 << 24

  private(set) var largestID = -1
  /// The ids of added tokens.
  private(set) var addedIDs = Set<Int>()
  private var ids = [ExactString: Int]()
  private var names = [Int: ExactString]()
  /// All tokens as UTF-8, one after the other.
  private var bytes = [UInt8]()
  private var ranges = [Int: Range<Int>]()

  /// Prepares for that many tokens.
  mutating func reserveCapacity(_ count: Int) {
    ids.reserveCapacity(count)
    names.reserveCapacity(count)
    ranges.reserveCapacity(count)
  }

  /// The id of a token, named as in the file.
  func id(of name: ExactString) -> Int? { ids[name] }

  /// A token as UTF-8: as in the file, or normalized if it is an added token that is.
  func bytes(of id: Int) -> ArraySlice<UInt8>? { ranges[id].map { bytes[$0] } }

  /// Adds an entry of the model's vocabulary.
  mutating func add(_ name: ExactString, id: Int) throws(TokenizerFault) {
    try register(name, id: id)
    store(Array(name.text.utf8), id: id)
  }

  /// Adds an added token, which may be an entry of the model's vocabulary too.
  mutating func add(_ name: ExactString, _ token: AddedToken) throws(TokenizerFault) {
    if let known = ids[name] {
      guard known == token.id else {
        throw .conflictingIDs(token: name.text, vocabulary: known, added: token.id)
      }
    } else {
      try register(name, id: token.id)
    }
    store(token.bytes, id: token.id)
    addedIDs.insert(token.id)
  }

  private mutating func register(_ name: ExactString, id: Int) throws(TokenizerFault) {
    guard (0...Self.idLimit).contains(id) else {
      throw .idOutOfRange(token: name.text, id: id, limit: Self.idLimit)
    }
    if let first = names.updateValue(name, forKey: id) {
      let (smaller, larger) = first < name ? (first, name) : (name, first)
      throw .repeatedID(id, first: smaller.text, second: larger.text)
    }
    ids[name] = id
    largestID = max(largestID, id)
  }

  private mutating func store(_ text: [UInt8], id: Int) {
    ranges[id] = bytes.count..<bytes.count + text.count
    bytes.append(contentsOf: text)
  }
}
