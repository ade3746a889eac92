/// Spells text with the tokens of its characters, as vocabularies of SentencePiece do.
struct CharacterSpelling: Sendable {
  /// The mark that stands for a space, U+2581.
  static let mark: [UInt8] = [0xE2, 0x96, 0x81]

  /// The token of a character without one, if any.
  let unknown: Int?
  /// Neighbouring unknown characters are one token.
  let fusesUnknown: Bool

  /// The token of every byte that has one, such as `<0x0A>`, where the file asks for them (`byte_fallback`).
  private let byteIDs: [Int?]
  /// The token of every character up to the last that has one, or −1.
  private let characterIDs: [Int32]

  init(
    characters: [(scalar: Unicode.Scalar, id: Int)], byteIDs: [Int?], unknown: Int?,
    fusesUnknown: Bool
  ) {
    let count = characters.map { Int($0.scalar.value) + 1 }.max() ?? 0
    var ids = [Int32](repeating: -1, count: count)
    for (scalar, id) in characters { ids[Int(scalar.value)] = Int32(truncatingIfNeeded: id) }
    characterIDs = ids
    self.byteIDs = byteIDs
    self.unknown = unknown
    self.fusesUnknown = fusesUnknown
  }

  func id(of scalar: Unicode.Scalar) -> Int? {
    guard scalar.value < characterIDs.count else { return nil }
    let id = characterIDs[Int(scalar.value)]
    return id < 0 ? nil : Int(id)
  }

  /// Hands out the tokens of a piece in order.
  ///
  /// An unknown character waits for the next known one, as in the `tokenizers` library: bytes of a character
  /// in between come first.
  func spell(_ bytes: [UInt8], _ range: Range<Int>, _ body: (Int) -> Void) {
    var waiting: Int?
    var index = range.lowerBound
    while index < range.upperBound {
      let (scalar, length) = bytes.scalar(at: index)
      let character = index..<index + length
      index += length
      if let id = id(of: scalar) {
        if let token = waiting { body(token) }
        waiting = nil
        body(id)
      } else if character.allSatisfy({ byteIDs[Int(bytes[$0])] != nil }) {
        for position in character { if let id = byteIDs[Int(bytes[position])] { body(id) } }
      } else if let unknown {
        if let token = waiting, !fusesUnknown { body(token) }
        waiting = unknown
      }
    }
    if let token = waiting { body(token) }
  }

  /// Whether a token reaches across the place before a mark without being marks up to there.
  static func crossesMark(_ piece: String) -> Bool {
    let bytes = Array(piece.utf8)
    guard bytes.count > mark.count else { return false }
    for index in 1...bytes.count - mark.count
    where bytes[index] == mark[0] && bytes[index..<index + mark.count].elementsEqual(mark) {
      let isAfterMark =
        index >= mark.count && bytes[index - mark.count..<index].elementsEqual(mark)
      if !isAfterMark { return true }
    }
    return false
  }
}
