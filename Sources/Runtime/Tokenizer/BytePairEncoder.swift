/// Encodes the pieces of one text and collects their ids.
///
/// Merging takes the pair of lowest rank first and the leftmost of equals (Sennrich et al. 2016). Pairs wait in a
/// queue, so that a piece of n bytes costs O(n log n). Short pieces are remembered: most of a text is repeated words.
struct BytePairEncoder {
  /// The ids so far.
  private(set) var ids = [Int]()

  private let model: BytePairModel
  /// Where in `ids` the result of a piece lies.
  private var knownPieces = [ShortPiece: Range<Int>]()
  /// The same for parts of pieces, which are never taken whole.
  private var knownParts = [ShortPiece: Range<Int>]()
  private var symbols = [Symbol]()
  private var queue = MinimumQueue()

  private static let rememberedPieces = 1 << 16
  /// The queue orders by rank, then position: rank in the upper 24 bits, position in the lower 40.
  private static let positionBits: UInt64 = 40

  private struct Symbol {
    /// The token, or −1 once the symbol has become part of its left neighbour.
    var id: Int
    var previous: Int
    var next: Int
  }

  init(_ model: BytePairModel) { self.model = model }

  /// Appends a token as it is.
  mutating func append(id: Int) { ids.append(id) }

  /// Encodes one piece of a text and appends its tokens.
  mutating func append(piece range: Range<Int>, of bytes: [UInt8]) {
    guard model.cutsBeforeMarks, wholePiece(range, of: bytes) == nil else {
      append(part: range, of: bytes, mayBeWhole: true)
      return
    }
    var start = range.lowerBound
    while start < range.upperBound {
      let end = Self.markedEnd(of: start..<range.upperBound, in: bytes)
      append(part: start..<end, of: bytes, mayBeWhole: false)
      start = end
    }
  }

  /// The place before the next mark that does not follow a mark or the start.
  private static func markedEnd(of range: Range<Int>, in bytes: [UInt8]) -> Int {
    let mark = CharacterSpelling.mark
    var isMarked = true
    var index = range.lowerBound
    while index < range.upperBound {
      let isMark =
        bytes[index] == mark[0] && index + 2 < range.upperBound && bytes[index + 1] == mark[1]
        && bytes[index + 2] == mark[2]
      if isMark, !isMarked { return index }
      isMarked = isMark
      index += isMark ? mark.count : 1
    }
    return range.upperBound
  }

  private func wholePiece(_ range: Range<Int>, of bytes: [UInt8]) -> Int? {
    model.wholePieces?[Array(bytes[range])]
  }

  private mutating func append(part range: Range<Int>, of bytes: [UInt8], mayBeWhole: Bool) {
    guard let key = ShortPiece(bytes, range) else {
      encode(range, of: bytes, mayBeWhole: mayBeWhole)
      return
    }
    let known = mayBeWhole ? knownPieces[key] : knownParts[key]
    if let known {
      for index in known { ids.append(ids[index]) }
      return
    }
    let start = ids.count
    encode(range, of: bytes, mayBeWhole: mayBeWhole)
    guard knownPieces.count + knownParts.count < Self.rememberedPieces else { return }
    if mayBeWhole {
      knownPieces[key] = start..<ids.count
    } else {
      knownParts[key] = start..<ids.count
    }
  }

  private mutating func encode(_ range: Range<Int>, of bytes: [UInt8], mayBeWhole: Bool) {
    if mayBeWhole, let id = wholePiece(range, of: bytes) {
      ids.append(id)
      return
    }
    fillSymbols(range, of: bytes)
    for position in symbols.indices.dropLast() { enqueue(position) }
    while let entry = queue.popMinimum() { mergeIfCurrent(entry) }
    var position = 0
    while position < symbols.count {
      ids.append(symbols[position].id)
      position = symbols[position].next
    }
  }

  private mutating func fillSymbols(_ range: Range<Int>, of bytes: [UInt8]) {
    symbols.removeAll(keepingCapacity: true)
    queue.removeAll()
    switch model.spelling {
    case .bytes(let ids): for index in range { appendSymbol(ids[Int(bytes[index])]) }
    case .characters(let spelling): spelling.spell(bytes, range) { appendSymbol($0) }
    }
  }

  private mutating func appendSymbol(_ id: Int) {
    let position = symbols.count
    symbols.append(Symbol(id: id, previous: position - 1, next: position + 1))
  }

  private mutating func enqueue(_ position: Int) {
    let symbol = symbols[position]
    guard let merge = model.merge(symbol.id, symbols[symbol.next].id) else { return }
    queue.insert(
      UInt64(truncatingIfNeeded: merge.rank) << Self.positionBits
        | UInt64(truncatingIfNeeded: position))
  }

  /// Carries out a queued merge unless one of its two symbols has changed since.
  private mutating func mergeIfCurrent(_ entry: UInt64) {
    let position = Int(truncatingIfNeeded: entry & (1 << Self.positionBits - 1))
    let left = symbols[position]
    guard left.id >= 0, left.next < symbols.count,
      let merge = model.merge(left.id, symbols[left.next].id),
      merge.rank == Int(truncatingIfNeeded: entry >> Self.positionBits)
    else { return }
    let after = symbols[left.next].next
    symbols[left.next].id = -1
    symbols[position].id = merge.id
    symbols[position].next = after
    if after < symbols.count {
      symbols[after].previous = position
      enqueue(position)
    }
    if left.previous >= 0 { enqueue(left.previous) }
  }
}

/// A piece of at most 15 bytes, packed into two words with its length.
private struct ShortPiece: Hashable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  init?(_ bytes: [UInt8], _ range: Range<Int>) {
    guard range.count <= 15 else { return nil }
    for index in range.prefix(8) { low = low << 8 | UInt64(bytes[index]) }
    for index in range.dropFirst(8) { high = high << 8 | UInt64(bytes[index]) }
    high |= UInt64(range.count) << 56
  }
}
