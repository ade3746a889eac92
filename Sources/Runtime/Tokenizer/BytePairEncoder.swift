/// Encodes the pieces of one text and collects their ids.
///
/// Merging takes the pair of lowest rank first and the leftmost of equals (Sennrich et al. 2016). Pairs wait in a
/// queue, so that a piece of n bytes costs O(n log n). Short pieces are remembered: most of a text is repeated words.
struct BytePairEncoder {
  /// The ids so far.
  private(set) var ids = [Int]()

  private let model: BytePairModel
  /// Where in `ids` the result of a piece lies.
  private var known = [ShortPiece: Range<Int>]()
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
    guard let key = ShortPiece(bytes, range) else {
      encode(range, of: bytes)
      return
    }
    if let result = known[key] {
      for index in result { ids.append(ids[index]) }
      return
    }
    let start = ids.count
    encode(range, of: bytes)
    if known.count < Self.rememberedPieces { known[key] = start..<ids.count }
  }

  private mutating func encode(_ range: Range<Int>, of bytes: [UInt8]) {
    if let id = model.wholePieces?[Array(bytes[range])] {
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
    for (position, index) in range.enumerated() {
      symbols.append(
        Symbol(
          id: model.byteIDs[Int(bytes[index])], previous: position - 1, next: position + 1))
    }
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
