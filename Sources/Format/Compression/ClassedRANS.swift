/// rANS in classes: the rows or the columns of codes are shared out among classes, each with frequencies of its
/// own; docs/format.md defines the stream.
///
/// Codes whose rows or columns differ in size take less than the entropy of all their bytes together.
enum ClassedRANS {
  private static let fixedHeaderSize = 10

  /// One stream, or nothing if classes would not gain.
  static func compress(_ bytes: [UInt8], of part: MatrixPart) -> [UInt8]? {
    guard part.width <= PackLimits.blockSize,
      let classes = LineClasses.best(for: bytes, of: part),
      let content = RANS.compress(classes.arrange(bytes), runs: classes.lengths)
    else { return nil }
    return header(classes) + content
  }

  /// The content, if these bytes are one stream of exactly that many.
  static func decompress(_ stream: RawSpan, length: Int) -> [UInt8]? {
    guard let classes = classes(stream, length: length) else { return nil }
    let size = headerSize(lines: classes.numbers.count, bits: classes.bits)
    let content = stream.extracting(droppingFirst: size)
    return RANS.decompress(content, runs: classes.lengths).map(classes.restore)
  }

  /// Bytes before the rANS stream.
  static func headerSize(lines: Int, bits: Int) -> Int { fixedHeaderSize + (lines * bits + 7) / 8 }

  private static func header(_ classes: LineClasses) -> [UInt8] {
    var bytes = [classes.axis.rawValue, UInt8(classes.bits)]
    LittleEndian.append(UInt32(classes.part.width), to: &bytes)
    LittleEndian.append(UInt32(classes.part.firstColumn), to: &bytes)
    return bytes + packed(classes.numbers, bits: classes.bits)
  }

  private static func classes(_ stream: RawSpan, length: Int) -> LineClasses? {
    let start: [UInt8] = LittleEndian.values(in: stream.extracting(first: fixedHeaderSize))
    guard start.count == fixedHeaderSize, let axis = LineClasses.Axis(rawValue: start[0]) else {
      return nil
    }
    let bits = Int(start[1])
    let width: UInt32 = LittleEndian.value(in: start, at: 2)
    let firstColumn: UInt32 = LittleEndian.value(in: start, at: 6)
    guard (1...4).contains(bits), (1...PackLimits.blockSize).contains(Int(width)),
      firstColumn < width
    else { return nil }
    let part = MatrixPart(byteCount: length, width: Int(width), firstColumn: Int(firstColumn))
    let lines = LineClasses.lineCount(axis, of: part)
    let numberBytes = stream.extracting(droppingFirst: fixedHeaderSize)
      .extracting(first: headerSize(lines: lines, bits: bits) - fixedHeaderSize)
    guard let numbers = unpacked(LittleEndian.values(in: numberBytes), count: lines, bits: bits)
    else { return nil }
    return LineClasses(axis, of: part, bits: bits, numbers: numbers)
  }

  /// Numbers of so many bits one after the other, from the lowest bit of each byte on.
  private static func packed(_ numbers: [UInt8], bits: Int) -> [UInt8] {
    var bytes = [UInt8]()
    var pending = 0
    var pendingBits = 0
    for number in numbers {
      pending |= Int(number) << pendingBits
      pendingBits += bits
      guard pendingBits >= 8 else { continue }
      bytes.append(UInt8(truncatingIfNeeded: pending))
      pending >>= 8
      pendingBits -= 8
    }
    return pendingBits > 0 ? bytes + [UInt8(pending)] : bytes
  }

  /// The numbers, if the bytes hold just so many and zero bits after them.
  private static func unpacked(_ bytes: [UInt8], count: Int, bits: Int) -> [UInt8]? {
    guard bytes.count == (count * bits + 7) / 8 else { return nil }
    var numbers = [UInt8]()
    numbers.reserveCapacity(count)
    var pending = 0
    var pendingBits = 0
    for byte in bytes {
      pending |= Int(byte) << pendingBits
      pendingBits += 8
      while pendingBits >= bits, numbers.count < count {
        numbers.append(UInt8(pending & (1 << bits - 1)))
        pending >>= bits
        pendingBits -= bits
      }
    }
    return pending == 0 ? numbers : nil
  }
}
