/// The index of a pack: its header and its block table.
///
/// Before compression: length of the JSON text u64, the JSON text, 56 bytes for each block.
struct PackIndex: Equatable, Sendable {
  let header: PackHeader
  let blocks: [PackBlock]

  /// The uncompressed bytes.
  var encoded: [UInt8] {
    let text = Array(header.json.canonicalText.utf8)
    var bytes = [UInt8]()
    bytes.reserveCapacity(8 + text.count + blocks.count * PackBlock.encodedSize)
    LittleEndian.append(UInt64(text.count), to: &bytes)
    bytes += text
    for block in blocks { block.encode(to: &bytes) }
    return bytes
  }
}

extension PackIndex {
  /// Reads uncompressed bytes; does not yet check that header and table agree with each other.
  init(decoding bytes: [UInt8], file: String) throws(FormatError) {
    guard bytes.count >= 8 else {
      throw .malformed(
        file: file, item: "the index", found: "\(bytes.count) bytes", expected: "at least 8")
    }
    let length: UInt64 = LittleEndian.value(in: bytes, at: 0)
    guard length <= PackLimits.headerSize else {
      throw .tooLarge(
        file: file, item: "the header's length", found: length,
        limit: UInt64(PackLimits.headerSize))
    }
    let tableSize = bytes.count - 8 - Int(length)
    guard tableSize >= 0, tableSize.isMultiple(of: PackBlock.encodedSize) else {
      throw .malformed(
        file: file, item: "the block table", found: "\(tableSize) bytes",
        expected: "a multiple of \(PackBlock.encodedSize)")
    }
    let count = tableSize / PackBlock.encodedSize
    guard count <= PackLimits.blockCount else {
      throw .tooLarge(
        file: file, item: "the number of blocks", found: UInt64(count),
        limit: UInt64(PackLimits.blockCount))
    }
    let tableStart = 8 + Int(length)
    do {
      header = try PackHeader(JSON(parsing: Array(bytes[8..<tableStart])), file: file)
    } catch let error as FormatError {
      throw error
    } catch let error as JSONError {
      throw .malformedJSON(file: file, error)
    } catch {
      throw .readFailed(file: file, reason: String(describing: error))
    }
    let table = Array(bytes[tableStart...])
    var blocks = [PackBlock]()
    blocks.reserveCapacity(count)
    for number in 0..<count {
      blocks.append(try PackBlock(number: number, of: table, file: file))
    }
    self.blocks = blocks
  }
}
