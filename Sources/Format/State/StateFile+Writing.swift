extension StateFile {
  /// Writes a file, which gets its name when it is complete. The same arrays give the same bytes.
  ///
  /// - Parameter overwrite: whether a file of that name may be replaced.
  /// - Throws: `outputExists`, `cannotCreate` or `writeFailed`; `tooLarge` for what readers would refuse.
  /// - Precondition: names of arrays are not empty, printable and different.
  public func write(to path: String, overwrite: Bool) throws(FormatError) {
    let header = Array(header.canonicalText.utf8)
    let payloadSize = arrays.reduce(0) { $0 + $1.values.count * Self.floatSize }
    try Self.require(header.count, of: "header", atMost: Limit.headerSize, file: path)
    try Self.require(payloadSize, of: "payload", atMost: Limit.payloadSize, file: path)
    let preamble = StatePreamble(headerSize: header.count, payloadSize: payloadSize)
    let file = try AtomicFile(path: path, overwrite: overwrite)
    var hasher = SHA256Hasher()
    func append(_ bytes: [UInt8]) throws(FormatError) {
      hasher.update(bytes)
      try file.append(bytes)
    }
    try append(preamble.encoded)
    try append(header)
    for array in arrays { try append(Self.bytes(of: array.values)) }
    try file.append(hasher.finalize().bytes)
    try file.publish()
  }

  private var header: JSON {
    .dictionary([
      "format": .string(Self.formatName), "version": .string(StatePreamble.versionText),
      "model": .string(model),
      "arrays": .array(
        arrays.map { array in
          .dictionary([
            "name": .string(array.name),
            "shape": .array(array.shape.map { .integer(Int64($0)) }),
          ])
        }),
    ])
  }

  private static func bytes(of values: [Float]) -> [UInt8] {
    var bytes = [UInt8]()
    bytes.reserveCapacity(values.count * floatSize)
    for value in values { LittleEndian.append(value.bitPattern, to: &bytes) }
    return bytes
  }

  private static func require(
    _ size: Int, of part: String, atMost limit: Int, file: String
  ) throws(FormatError) {
    guard size <= limit else {
      throw .tooLarge(file: file, item: "the \(part)", found: UInt64(size), limit: UInt64(limit))
    }
  }
}
