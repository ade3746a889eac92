/// A row of the block table: 56 bytes.
///
/// offset u64, stored length u32, raw length u32, codec u8, 7 zero bytes, SHA-256 of the stored
/// bytes (32 bytes); integers little-endian.
struct PackBlock: Equatable, Sendable {
  static let encodedSize = 56

  let offset: Int
  let storedLength: Int
  let rawLength: Int
  let codec: Codec
  let digest: SHA256Digest

  /// Where the stored bytes lie in the file.
  var range: Range<Int> { offset..<offset + storedLength }

  func encode(to bytes: inout [UInt8]) {
    LittleEndian.append(UInt64(offset), to: &bytes)
    LittleEndian.append(UInt32(storedLength), to: &bytes)
    LittleEndian.append(UInt32(rawLength), to: &bytes)
    bytes.append(codec.rawValue)
    bytes += [UInt8](repeating: 0, count: 7)
    bytes += digest.bytes
  }
}

extension PackBlock {
  /// Reads a row.
  ///
  /// - Precondition: the table has that many rows.
  init(number: Int, of table: [UInt8], file: String) throws(FormatError) {
    let start = number * Self.encodedSize
    func refusal(_ what: String, _ found: Int, _ expected: String) -> FormatError {
      .malformed(
        file: file, item: "\(what) of block \(number)", found: "\(found)", expected: expected)
    }
    let offset: UInt64 = LittleEndian.value(in: table, at: start)
    let storedLength: UInt32 = LittleEndian.value(in: table, at: start + 8)
    let rawLength: UInt32 = LittleEndian.value(in: table, at: start + 12)
    guard let offset = Int(exactly: offset) else {
      throw refusal("the offset", .max, "63 bits")
    }
    guard let codec = Codec(rawValue: table[start + 16]) else {
      throw refusal("the codec", Int(table[start + 16]), "0 to 4")
    }
    guard table[start + 17..<start + 24].allSatisfy({ $0 == 0 }) else {
      throw refusal("reserved bytes", 1, "0")
    }
    guard rawLength >= 1, rawLength <= PackLimits.blockSize else {
      throw refusal("the raw length", Int(rawLength), "1 to \(PackLimits.blockSize)")
    }
    let isPlausible = codec == .stored ? storedLength == rawLength : storedLength < rawLength
    guard isPlausible, storedLength >= 1 else {
      throw refusal("the stored length", Int(storedLength), "to agree with the codec \(codec)")
    }
    guard let digest = SHA256Digest(bytes: Array(table[start + 24..<start + 56])) else {
      throw refusal("the checksum", 0, "32 bytes")
    }
    self.offset = offset
    self.storedLength = Int(storedLength)
    self.rawLength = Int(rawLength)
    self.codec = codec
    self.digest = digest
  }
}
