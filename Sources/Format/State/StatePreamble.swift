/// The first 32 bytes of a state file.
///
/// magic (8 bytes), major version u16, minor version u16, flags u32, header length u64, payload length u64;
/// integers little-endian.
struct StatePreamble: Equatable {
  /// “\x89VLMS\r\n\x1a”, for the same reasons as the magic number of packs.
  static let magic: [UInt8] = [0x89, 0x56, 0x4C, 0x4D, 0x53, 0x0D, 0x0A, 0x1A]
  static let byteCount = 32
  static let major: UInt16 = 1
  static let minor: UInt16 = 0
  static var versionText: String { "\(major).\(minor)" }

  /// Where the JSON header lies.
  let header: Range<Int>
  /// Where the floats lie.
  let payload: Range<Int>
  /// Where the checksum of everything before it lies.
  var digest: Range<Int> { payload.upperBound..<payload.upperBound + SHA256Digest.byteCount }

  /// Lays out a file.
  init(headerSize: Int, payloadSize: Int) {
    header = Self.byteCount..<Self.byteCount + headerSize
    payload = header.upperBound..<header.upperBound + payloadSize
  }

  var encoded: [UInt8] {
    var bytes = Self.magic
    LittleEndian.append(Self.major, to: &bytes)
    LittleEndian.append(Self.minor, to: &bytes)
    LittleEndian.append(UInt32(0), to: &bytes)
    LittleEndian.append(UInt64(header.count), to: &bytes)
    LittleEndian.append(UInt64(payload.count), to: &bytes)
    return bytes
  }
}

extension StatePreamble {
  /// Reads and checks the preamble of a file, and that its parts fill the file.
  init(of file: MappedFile) throws(FormatError) {
    guard file.count >= Self.magic.count, try file.bytes(0..<Self.magic.count) == Self.magic else {
      throw .notState(file: file.path)
    }
    guard file.count >= Self.byteCount else {
      throw Self.wrongSize(of: file, expected: "at least \(Self.byteCount) bytes")
    }
    let bytes = try file.bytes(0..<Self.byteCount)
    let major: UInt16 = LittleEndian.value(in: bytes, at: 8)
    let minor: UInt16 = LittleEndian.value(in: bytes, at: 10)
    guard major == Self.major, minor == Self.minor else {
      throw .malformed(
        file: file.path, item: "the version", found: "\(major).\(minor)",
        expected: Self.versionText)
    }
    let flags: UInt32 = LittleEndian.value(in: bytes, at: 12)
    guard flags == 0 else {
      throw .malformed(file: file.path, item: "flags", found: "\(flags)", expected: "0")
    }
    self.init(
      headerSize: try Self.size(
        in: bytes, at: 16, of: "header", limit: StateFile.Limit.headerSize, file: file.path),
      payloadSize: try Self.size(
        in: bytes, at: 24, of: "payload", limit: StateFile.Limit.payloadSize, file: file.path))
    guard file.count == digest.upperBound else {
      throw Self.wrongSize(of: file, expected: "\(digest.upperBound) bytes")
    }
  }

  private static func size(
    in bytes: [UInt8], at position: Int, of part: String, limit: Int, file: String
  ) throws(FormatError) -> Int {
    let size: UInt64 = LittleEndian.value(in: bytes, at: position)
    guard size <= UInt64(limit) else {
      throw .tooLarge(file: file, item: "the \(part)", found: size, limit: UInt64(limit))
    }
    return Int(size)
  }

  private static func wrongSize(of file: MappedFile, expected: String) -> FormatError {
    .malformed(
      file: file.path, item: "the file's size", found: "\(file.count) bytes", expected: expected)
  }
}
