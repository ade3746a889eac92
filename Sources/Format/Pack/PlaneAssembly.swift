/// A plane that is being written: cuts what it is given into blocks.
struct PlaneAssembly {
  let plan: PlannedPlane
  /// Whether its single bytes are codes; those of an asset are not, nor are the parts of larger numbers.
  private let holdsCodes: Bool
  private(set) var received = 0
  private var partial = [UInt8]()
  /// Whether its blocks are all stored, as the first one is, which must be encoded before the others.
  var isStored = false
  /// The number of its first block in the file, known once that is written.
  var firstBlock: Int?
  /// Encoded blocks that wait until the planes before this one are complete.
  var waiting = [EncodedBlock]()

  init(_ plan: PlannedPlane, ofTensor: Bool) {
    self.plan = plan
    holdsCodes = ofTensor && plan.transform == .none
  }

  /// The size of the whole plane.
  var expected: Int { plan.byteCount }

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
        let start = received - partial.count
        blocks.append(
          RawBlock(
            plane: number, isFirst: start == 0, content: content(start..<received), bytes: partial))
        partial = []
      }
    }
    return blocks
  }

  private func content(_ range: Range<Int>) -> BlockContent {
    guard holdsCodes else { return .repetitive }
    guard let width = plan.unevenRowBytes else { return .codes }
    return .unevenCodes(
      MatrixPart(byteCount: range.count, width: width, firstColumn: range.lowerBound % width))
  }

  /// The finished plane.
  ///
  /// - Parameter next: the number of the next block of the file, noted for a plane without bytes.
  func finished(next: Int) -> PackPlane {
    PackPlane(
      name: plan.name, transform: plan.transform, bytes: expected, firstBlock: firstBlock ?? next,
      blockCount: (expected + PackLimits.blockSize - 1) / PackLimits.blockSize)
  }
}
