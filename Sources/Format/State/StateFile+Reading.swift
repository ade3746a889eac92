extension StateFile {
  /// Reads a file and checks all of it: its parts, its checksum, its header and that all numbers are finite.
  ///
  /// - Throws: `notState`, `malformed`, `malformedJSON` or `tooLarge` for a file that breaks the format;
  ///   `hashMismatch` for one that was changed after it was written.
  public init(path: String) throws(FormatError) {
    let file = try MappedFile(path: path)
    let preamble = try StatePreamble(of: file)
    let covered = 0..<preamble.payload.upperBound
    let digest = try file.withBytes(covered) { bytes in sha256(bytes) }
    guard try file.bytes(preamble.digest) == digest.bytes else {
      throw .hashMismatch(file: path, item: "the state", offset: 0)
    }
    let root = HeaderMember(
      value: try Self.json(file.bytes(preamble.header), file: path), path: "", file: path)
    try root.member("format").require(text: Self.formatName)
    try root.member("version").require(text: StatePreamble.versionText)
    model = try root.member("model").name
    arrays = try Self.arrays(root.member("arrays"), file, preamble.payload)
  }

  private static func json(_ bytes: [UInt8], file: String) throws(FormatError) -> JSON {
    do { return try JSON(parsing: bytes) } catch {
      throw .malformedJSON(file: file, error)
    }
  }

  /// Arrays follow each other in the payload and fill it.
  private static func arrays(
    _ list: HeaderMember, _ file: MappedFile, _ payload: Range<Int>
  ) throws(FormatError) -> [Values] {
    var arrays = [Values]()
    var names = Set<ExactString>()
    var start = payload.lowerBound
    for member in try list.elements(limit: Limit.arrayCount) {
      let name = try member.member("name").name
      guard names.insert(ExactString(name)).inserted else {
        throw .malformed(
          file: file.path, item: member.path + ".name", found: name, expected: "a name not used yet"
        )
      }
      let shape = try shape(member.member("shape"))
      guard let count = floatCount(of: shape, atMost: (payload.upperBound - start) / floatSize)
      else {
        throw .malformed(
          file: file.path, item: "the shape of \(name)", found: "\(shape)",
          expected: "at most \((payload.upperBound - start) / floatSize) elements")
      }
      let end = start + count * floatSize
      arrays.append(
        Values(name: name, shape: shape, values: try floats(start..<end, of: file, name: name)))
      start = end
    }
    guard start == payload.upperBound else {
      throw .malformed(
        file: file.path, item: "the payload", found: "\(payload.count) bytes",
        expected: "\(start - payload.lowerBound) bytes, the size of its arrays")
    }
    return arrays
  }

  private static func shape(_ member: HeaderMember) throws(FormatError) -> [Int] {
    var shape = [Int]()
    for element in try member.elements(limit: Limit.rank) { shape.append(try element.size) }
    return shape
  }

  /// The product of a shape, or nothing if it or a part of it is too large.
  private static func floatCount(of shape: [Int], atMost limit: Int) -> Int? {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { return nil }
      count = product
    }
    return count <= limit ? count : nil
  }

  private static func floats(
    _ range: Range<Int>, of file: MappedFile, name: String
  ) throws(FormatError) -> [Float] {
    let bits = try file.withBytes(range) { bytes in LittleEndian.values(in: bytes, as: UInt32.self)
    }
    let values = bits.map(Float.init(bitPattern:))
    guard values.allSatisfy(\.isFinite) else {
      throw .malformed(
        file: file.path, item: name, found: "not finite everywhere", expected: "finite numbers")
    }
    return values
  }
}
