/// Writes a safetensors file tensor by tensor; it gets its name when it is complete.
public struct SafetensorsWriter {
  private let file: AtomicFile
  private let tensors: [(name: String, byteCount: Int)]
  private var current = 0
  private var written = 0

  /// Creates the file and writes its header.
  ///
  /// - Parameter tensors: in the order in which their bytes will be appended.
  /// - Throws: `malformed` if a name is repeated or reserved or a shape has no size in bytes,
  ///   `outputExists`, `cannotCreate` or `writeFailed`.
  public init(
    path: String, tensors: [(name: String, dataType: DataType, shape: [Int])],
    metadata: [String: String], overwrite: Bool
  ) throws(FormatError) {
    var members = [ExactString: JSON]()
    if !metadata.isEmpty {
      members[ExactString(SafetensorsHeader.metadataKey)] =
        .dictionary(metadata.mapValues(JSON.string))
    }
    var sizes = [(name: String, byteCount: Int)]()
    var offset = 0
    for tensor in tensors {
      guard let size = Self.byteCount(tensor.shape, tensor.dataType),
        let range = (0..<size).moved(by: offset)
      else {
        throw .malformed(
          file: path, item: "shape of tensor \(tensor.name)", found: "\(tensor.shape)",
          expected: "a whole number of bytes that fits 63 bits")
      }
      let entry = JSON.dictionary([
        "dtype": .string(tensor.dataType.rawValue),
        "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
        "data_offsets": .array([
          .integer(Int64(range.lowerBound)), .integer(Int64(range.upperBound)),
        ]),
      ])
      guard members.updateValue(entry, forKey: ExactString(tensor.name)) == nil,
        tensor.name != SafetensorsHeader.metadataKey
      else {
        throw .malformed(
          file: path, item: "the name of tensor \(tensor.name)", found: "taken",
          expected: "each name once")
      }
      sizes.append((tensor.name, size))
      offset = range.upperBound
    }
    file = try AtomicFile(path: path, overwrite: overwrite)
    self.tensors = sizes
    try file.append(Self.header(members))
  }

  /// Adds bytes of the next unfinished tensor. They must not reach into the one after it.
  ///
  /// - Throws: `wrongByteCount` if the tensor is given more than its shape says, `writeFailed`.
  public mutating func append(_ bytes: [UInt8]) throws(FormatError) {
    guard !bytes.isEmpty else { return }
    skipFinished()
    guard current < tensors.count, bytes.count <= tensors[current].byteCount - written else {
      let tensor = current < tensors.count ? tensors[current] : ("the end of the file", 0)
      throw .wrongByteCount(
        file: file.path, item: tensor.0, found: written + bytes.count, expected: tensor.1)
    }
    try file.append(bytes)
    written += bytes.count
  }

  /// Adds elements of an `F64` tensor.
  ///
  /// - Throws: as for bytes.
  public mutating func append(doubles values: [Double]) throws(FormatError) {
    for first in stride(from: 0, to: values.count, by: Self.valuesAtOnce) {
      var bytes = [UInt8]()
      for value in values[first..<min(first + Self.valuesAtOnce, values.count)] {
        LittleEndian.append(value.bitPattern, to: &bytes)
      }
      try append(bytes)
    }
  }

  private static let valuesAtOnce = 1 << 17

  /// Gives the complete file its name.
  ///
  /// - Throws: `wrongByteCount` if bytes are missing; what `AtomicFile.publish()` throws.
  public mutating func publish() throws(FormatError) {
    skipFinished()
    guard current == tensors.count else {
      let tensor = tensors[current]
      throw .wrongByteCount(
        file: file.path, item: tensor.name, found: written, expected: tensor.byteCount)
    }
    try file.publish()
  }

  /// Removes the unfinished file.
  public func discard() { file.discard() }

  private mutating func skipFinished() {
    while current < tensors.count, written == tensors[current].byteCount {
      current += 1
      written = 0
    }
  }

  private static func byteCount(_ shape: [Int], _ dataType: DataType) -> Int? {
    guard let count = shape.elementCount else { return nil }
    let (bits, overflow) = count.multipliedReportingOverflow(by: dataType.bitWidth)
    return overflow || !bits.isMultiple(of: 8) ? nil : bits / 8
  }

  /// The header's length and text; spaces move the data to a multiple of 8, which mapping readers
  /// rely on.
  private static func header(_ members: [ExactString: JSON]) -> [UInt8] {
    var text = Array(JSON.object(members).canonicalText.utf8)
    while !text.count.isMultiple(of: 8) { text.append(UInt8(ascii: " ")) }
    var bytes = [UInt8]()
    LittleEndian.append(UInt64(text.count), to: &bytes)
    return bytes + text
  }
}
