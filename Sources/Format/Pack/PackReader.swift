/// A pack, opened for reading.
///
/// Opening checks the preamble, the index's checksum and everything the index says: see
/// docs/format.md. It does not read the blocks; each is checked against its checksum when its plane
/// is read, and all of them by `verify`. Whether the planes have the sizes that a tensor's encoding
/// prescribes is for the caller to check, who knows encodings.
public final class PackReader: Sendable {
  /// What the pack says about itself.
  public let header: PackHeader
  /// The SHA-256 of the stored index, in hexadecimal digits. It depends on every byte of the file.
  public let modelID: String
  /// The path as given.
  public var path: String { file.path }
  /// The size of the file.
  public var byteCount: Int { file.count }
  let file: MappedFile
  let blocks: [PackBlock]
  let planes: [OwnedPlane]
  private let planesByFirstBlock: [Int: PackPlane]

  /// Opens a pack.
  ///
  /// - Throws: what is wrong with the file, its preamble or its index.
  public init(path: String) throws(FormatError) {
    file = try MappedFile(path: path)
    let preamble = try PackPreamble(of: file)
    let index = try Self.index(preamble, of: file)
    planes = try PackValidation(index: index, file: path)
      .run(indexOffset: preamble.index.lowerBound)
    planesByFirstBlock = Dictionary(
      planes.lazy.map(\.plane).filter { $0.blockCount > 0 }.map { ($0.firstBlock, $0) },
      uniquingKeysWith: { first, _ in first })
    header = index.header
    blocks = index.blocks
    modelID = preamble.digest.hexText
  }

  /// Whether the file begins like a pack; false if it cannot be read.
  public static func isPack(path: String) -> Bool {
    guard let file = try? MappedFile(path: path) else { return false }
    return (try? file.bytes(0..<PackPreamble.magic.count)) == PackPreamble.magic
  }

  /// The whole content of a plane, after its checksums are compared.
  ///
  /// - Parameter owner: what errors call the plane, for example “tensor language.head.weight”.
  /// - Throws: `hashMismatch` or `undecodable` for a damaged block; `malformed` if the plane is not
  ///   of this pack.
  public func plane(_ plane: PackPlane, of owner: String) throws(FormatError) -> [UInt8] {
    guard plane.bytes > 0 else { return [] }
    var content = [UInt8]()
    content.reserveCapacity(plane.bytes)
    for piece in 0..<plane.blockCount {
      try withPiece(piece, of: plane, owner: owner) { _, bytes in
        content += LittleEndian.values(in: bytes)
      }
    }
    return content
  }

  /// Lends a piece of a plane, after its checksum is compared; from any thread.
  ///
  /// - Parameters:
  ///   - number: which of the plane's `blockCount` pieces.
  ///   - owner: what errors call the plane.
  ///   - body: is given where the piece begins in the plane, and its bytes.
  /// - Throws: as `plane`.
  public func withPiece(
    _ number: Int, of plane: PackPlane, owner: String, _ body: (_ offset: Int, RawSpan) -> Void
  ) throws(FormatError) {
    guard planesByFirstBlock[plane.firstBlock] == plane, (0..<plane.blockCount).contains(number)
    else {
      throw .malformed(
        file: path, item: "plane \(plane.name) of \(owner)", found: "unknown",
        expected: "a plane of this pack")
    }
    let block = plane.firstBlock + number
    try withContent(
      of: block, transform: plane.transform,
      item: "block \(block), plane \(plane.name) of \(owner),"
    ) { body(number * PackLimits.blockSize, $0) }
  }

  /// The bytes that a plane takes in the file.
  ///
  /// - Precondition: the plane is of this pack.
  public func storedBytes(of plane: PackPlane) -> Int {
    blocks[plane.blocks].reduce(0) { $0 + $1.storedLength }
  }

  /// Lends the content of a block, after its checksum is compared.
  func withContent(
    of number: Int, transform: PlaneTransform, item: String, _ body: (RawSpan) -> Void
  ) throws(FormatError) {
    let block = blocks[number]
    try file.withBytes(block.range) { bytes throws(FormatError) in
      guard sha256(bytes) == block.digest else {
        throw FormatError.hashMismatch(file: file.path, item: item, offset: block.offset)
      }
      // What is stored was left in its order, so that it can be lent as it is.
      if block.codec == .stored, bytes.byteCount == block.rawLength { return body(bytes) }
      guard let content = block.codec.decompress(bytes, length: block.rawLength) else {
        throw FormatError.undecodable(
          file: file.path, item: item, offset: block.offset, expected: block.rawLength)
      }
      let original = transform.undo(on: content)
      unsafe body(original.span.bytes)
    }
  }

  private static func index(
    _ preamble: PackPreamble, of file: MappedFile
  ) throws(FormatError) -> PackIndex {
    let raw = try file.withBytes(preamble.index) { stored throws(FormatError) in
      guard sha256(stored) == preamble.digest else {
        throw FormatError.hashMismatch(
          file: file.path, item: "the index", offset: preamble.index.lowerBound)
      }
      guard let length = Zstandard.statedLength(of: stored) else {
        throw FormatError.malformed(
          file: file.path, item: "the index", found: "\(stored.byteCount) other bytes",
          expected: "one zstd frame that states its content size")
      }
      guard length <= PackLimits.indexSize else {
        throw FormatError.tooLarge(
          file: file.path, item: "the index's size", found: length,
          limit: UInt64(PackLimits.indexSize))
      }
      guard let raw = Zstandard.decompress(stored, length: Int(length)) else {
        throw FormatError.undecodable(
          file: file.path, item: "the index", offset: preamble.index.lowerBound,
          expected: Int(length))
      }
      return raw
    }
    return try PackIndex(decoding: raw, file: file.path)
  }
}
