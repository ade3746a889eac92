/// A byte-pair vocabulary, ready to encode.
struct BytePairModel: Sendable {
  /// Merges that are accepted; ranks stay below 2²⁴.
  static let mergeLimit = 1 << 24

  /// What becomes of two neighbouring tokens.
  struct Merge: Sendable {
    /// The place in the list of merges; lower goes first.
    let rank: Int
    /// The token that takes their place.
    let id: Int
  }

  /// The tokens that a text starts from.
  enum Spelling: Sendable {
    /// One for every byte: 256 ids, all within the limit of ids.
    case bytes([Int])
    /// One for every character.
    case characters(CharacterSpelling)
  }

  let spelling: Spelling
  /// Tokens by bytes, where the file asks to take a piece whole if it is a token (`ignore_merges`).
  let wholePieces: [[UInt8]: Int]?
  /// No token reaches across the place before a mark of SentencePiece, unless it starts with several.
  var cutsBeforeMarks = false

  private var merges = [UInt64: Merge]()

  init(spelling: Spelling, wholePieces: [[UInt8]: Int]?) {
    self.spelling = spelling
    self.wholePieces = wholePieces
  }

  /// Prepares for that many merges.
  mutating func reserveCapacity(_ count: Int) { merges.reserveCapacity(count) }

  /// Adds a merge; of two for the same pair the later one counts, as in the `tokenizers` library.
  mutating func add(left: Int, right: Int, _ merge: Merge) {
    merges[Self.key(left, right)] = merge
  }

  /// The merge of a pair, if there is one.
  func merge(_ left: Int, _ right: Int) -> Merge? { merges[Self.key(left, right)] }

  /// Ids are at most 2²⁴, so a pair fits one word.
  private static func key(_ left: Int, _ right: Int) -> UInt64 {
    UInt64(truncatingIfNeeded: left) << 32 | UInt64(truncatingIfNeeded: right)
  }
}
