/// The growing list of blocks in an unfinished pack.
struct BlockStore {
  let file: any PackOutput
  private(set) var blocks = [PackBlock]()
  /// Where the last block ends.
  private(set) var end = PackLimits.preambleSize

  init(file: any PackOutput) { self.file = file }

  /// Writes the next block.
  ///
  /// - Parameter startOfPlane: the size of the plane that this block is the first of, if it is.
  mutating func append(_ block: EncodedBlock, startOfPlane: Int?) throws(FormatError) {
    var offset = end
    if let bytes = startOfPlane {
      offset = PackLayout.start(ofPlane: bytes, codec: block.codec, after: end)
      try file.write([UInt8](repeating: 0, count: offset - end), at: end)
    }
    try file.write(block.bytes, at: offset)
    blocks.append(
      PackBlock(
        offset: offset, storedLength: block.bytes.count, rawLength: block.rawLength,
        codec: block.codec, digest: block.digest))
    end = offset + block.bytes.count
  }
}
