/// The planes of one tensor or asset while they are being written.
///
/// They grow side by side but lie one after the other in the file: the first plane's blocks are
/// written as they fill, the blocks of the others wait in memory, compressed.
struct PlaneGroup {
  let owner: String
  private let codec: Codec
  private let encoder: BlockEncoder
  private var planes: [PlaneAssembly]
  private var pending = [RawBlock]()
  private(set) var storedBytes = 0

  init(owner: String, planes: [PlaneAssembly], codec: Codec, encoder: BlockEncoder) {
    self.owner = owner
    self.planes = planes
    self.codec = codec
    self.encoder = encoder
  }

  /// Adds bytes to every plane.
  mutating func append(
    _ planeBytes: [[UInt8]], to store: inout BlockStore
  ) throws(FormatError) {
    precondition(planeBytes.count == planes.count)
    for (number, bytes) in planeBytes.enumerated() {
      let plane = planes[number]
      guard bytes.count <= plane.expected - plane.received else {
        throw wrongByteCount(plane, found: plane.received + bytes.count, in: store)
      }
      pending += planes[number].append(bytes, number: number)
    }
    // Enough to keep every thread busy; which blocks meet in a batch does not change their bytes.
    if pending.count >= 2 * encoder.threads { try encodePending(to: &store) }
  }

  /// Writes everything that is left.
  mutating func finish(to store: inout BlockStore) throws(FormatError) -> [PackPlane] {
    for plane in planes where plane.received != plane.expected {
      throw wrongByteCount(plane, found: plane.received, in: store)
    }
    try encodePending(to: &store)
    var finished = [PackPlane]()
    for number in planes.indices {
      for block in planes[number].waiting { try write(block, of: number, to: &store) }
      planes[number].waiting = []
      finished.append(planes[number].finished(next: store.blocks.count))
    }
    return finished
  }

  private func wrongByteCount(
    _ plane: PlaneAssembly, found: Int, in store: BlockStore
  ) -> FormatError {
    .wrongByteCount(
      file: store.file.path, item: "plane \(plane.plan.name) of \(owner)", found: found,
      expected: plane.expected)
  }

  /// The first block of a plane decides whether the plane is stored, so first blocks are encoded
  /// before the others.
  private mutating func encodePending(to store: inout BlockStore) throws(FormatError) {
    try encode(pending.filter(\.isFirst), to: &store)
    try encode(pending.filter { !$0.isFirst }, to: &store)
    pending = []
  }

  private mutating func encode(
    _ blocks: [RawBlock], to store: inout BlockStore
  ) throws(FormatError) {
    let encoded = encoder.encode(
      blocks.map {
        let plane = planes[$0.plane]
        return ($0, plane.isStored ? .stored : codec, plane.plan.transform)
      })
    for (raw, block) in zip(blocks, encoded) {
      if raw.isFirst { planes[raw.plane].isStored = block.codec == .stored }
      if raw.plane == 0 {
        try write(block, of: 0, to: &store)
      } else {
        planes[raw.plane].waiting.append(block)
      }
    }
  }

  private mutating func write(
    _ block: EncodedBlock, of number: Int, to store: inout BlockStore
  ) throws(FormatError) {
    let isFirst = planes[number].firstBlock == nil
    if isFirst { planes[number].firstBlock = store.blocks.count }
    try store.append(block, startOfPlane: isFirst ? planes[number].expected : nil)
    storedBytes += block.bytes.count
  }
}
