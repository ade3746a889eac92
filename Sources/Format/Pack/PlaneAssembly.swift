/// A plane that is being written: cuts what it is given into blocks.
struct PlaneAssembly {
  let name: String
  let transform: PlaneTransform
  /// Whether its bytes repeat each other.
  let matches: Zstandard.Matches
  let expected: Int
  private(set) var received = 0
  private var partial = [UInt8]()
  /// Whether its blocks are all stored, as the first one is, which must be encoded before the others.
  var isStored = false
  /// The number of its first block in the file, known once that is written.
  var firstBlock: Int?
  /// Encoded blocks that wait until the planes before this one are complete.
  var waiting = [EncodedBlock]()

  init(
    name: String, transform: PlaneTransform, bytes: Int, matches: Zstandard.Matches = .usual
  ) {
    self.name = name
    self.transform = transform
    self.matches = matches
    expected = bytes
  }

  /// Takes bytes and returns the blocks that became full; the plane's last block counts as full.
  ///
  /// - Parameter number: the plane's number within its group.
  /// - Precondition: not more bytes than expected.
  mutating func append(_ bytes: [UInt8], number: Int) -> [RawBlock] {
    var blocks = [RawBlock]()
    var rest = bytes[...]
    while !rest.isEmpty {
      partial.reserveCapacity(min(PackLimits.blockSize, expected - received + partial.count))
      let piece = rest.prefix(PackLimits.blockSize - partial.count)
      partial += piece
      received += piece.count
      rest = rest.dropFirst(piece.count)
      if partial.count == PackLimits.blockSize || received == expected {
        let isFirst = received <= PackLimits.blockSize
        blocks.append(RawBlock(plane: number, isFirst: isFirst, bytes: partial))
        partial = []
      }
    }
    return blocks
  }

  /// The finished plane.
  ///
  /// - Parameter next: the number of the next block of the file, noted for a plane without bytes.
  func finished(next: Int) -> PackPlane {
    PackPlane(
      name: name, transform: transform, bytes: expected, firstBlock: firstBlock ?? next,
      blockCount: (expected + PackLimits.blockSize - 1) / PackLimits.blockSize)
  }
}
