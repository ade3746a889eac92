/// The first 64 bytes of a pack.
///
/// magic (8 bytes), major version u16, minor version u16, flags u32, index offset u64, index length
/// u64, SHA-256 of the stored index (32 bytes); integers little-endian.
struct PackPreamble: Equatable {
  /// “\x89VLMP\r\n\x1a”: not text, and damaged by anything that changes line ends or the eighth
  /// bit.
  static let magic: [UInt8] = [0x89, 0x56, 0x4C, 0x4D, 0x50, 0x0D, 0x0A, 0x1A]
  static let major: UInt16 = 1
  static let minor: UInt16 = 0
  static var versionText: String { "\(major).\(minor)" }

  let index: Range<Int>
  let digest: SHA256Digest

  var encoded: [UInt8] {
    var bytes = Self.magic
    LittleEndian.append(Self.major, to: &bytes)
    LittleEndian.append(Self.minor, to: &bytes)
    LittleEndian.append(UInt32(0), to: &bytes)
    LittleEndian.append(UInt64(index.lowerBound), to: &bytes)
    LittleEndian.append(UInt64(index.count), to: &bytes)
    return bytes + digest.bytes
  }
}

extension PackPreamble {
  /// Reads and checks the preamble of a file.
  init(of file: MappedFile) throws(FormatError) {
    guard file.count >= Self.magic.count, try file.bytes(0..<Self.magic.count) == Self.magic else {
      throw .notPack(file: file.path)
    }
    let bytes = try file.bytes(0..<PackLimits.preambleSize)
    let major: UInt16 = LittleEndian.value(in: bytes, at: 8)
    let minor: UInt16 = LittleEndian.value(in: bytes, at: 10)
    guard major == Self.major, minor == Self.minor else {
      throw .unsupportedVersion(
        file: file.path, found: "\(major).\(minor)", expected: Self.versionText)
    }
    let flags: UInt32 = LittleEndian.value(in: bytes, at: 12)
    guard flags == 0 else {
      throw .malformed(file: file.path, item: "flags", found: "\(flags)", expected: "0")
    }
    let offset: UInt64 = LittleEndian.value(in: bytes, at: 16)
    let length: UInt64 = LittleEndian.value(in: bytes, at: 24)
    let (end, overflow) = offset.addingReportingOverflow(length)
    guard !overflow, offset >= PackLimits.preambleSize, end == UInt64(file.count),
      let digest = SHA256Digest(bytes: Array(bytes[32..<64]))
    else {
      throw .malformed(
        file: file.path, item: "the index", found: "\(length) bytes at \(offset)",
        expected: "to lie between the preamble and the file's end at \(file.count)")
    }
    index = Int(offset)..<file.count
    self.digest = digest
  }
}
