import Testing

@testable import Format

@Suite struct SafetensorsWriterTests {
  let directory: TemporaryDirectory
  let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("out.safetensors")
  }

  private func open(
    _ tensors: [(name: String, dataType: DataType, shape: [Int])], overwrite: Bool = false
  ) throws -> SafetensorsWriter {
    try SafetensorsWriter(
      path: path, tensors: tensors, metadata: ["format": "pt"], overwrite: overwrite)
  }

  @Test func `what is written is read`() throws {
    var writer = try open([("z", .u8, [3]), ("empty", .f32, [0]), ("a", .f16, [2, 1])])
    try writer.append([1])
    try writer.append([2, 3])
    try writer.append([4, 5, 6, 7])
    try writer.append([])
    try writer.publish()
    let file = try SafetensorsFile(path: path)
    #expect(file.metadata == ["format": "pt"])
    #expect(file.tensors.count == 3 && file.tensors["a"]?.shape == [2, 1])
    #expect(try file.bytes(of: #require(file.tensors["z"])) == [1, 2, 3])
    #expect(try file.bytes(of: #require(file.tensors["a"])) == [4, 5, 6, 7])
    #expect(try directory.names == ["out.safetensors"])
  }

  @Test func `the data begins on a multiple of eight`() throws {
    var writer = try open([("abc", .u8, [1])])
    try writer.append([1])
    try writer.publish()
    #expect(try contents(of: path).count % 8 == 1)
  }

  @Test func `bytes that reach into the next tensor are refused`() throws {
    var writer = try open([("a", .u8, [2]), ("b", .u8, [2])])
    #expect(
      throws: FormatError.wrongByteCount(file: path, item: "a", found: 3, expected: 2)
    ) { try writer.append([1, 2, 3]) }
  }

  @Test func `bytes after the last tensor are refused`() throws {
    var writer = try open([("a", .u8, [1])])
    try writer.append([1])
    #expect(
      throws: FormatError.wrongByteCount(
        file: path, item: "the end of the file", found: 1, expected: 0)
    ) { try writer.append([1]) }
  }

  @Test func `a file with missing bytes is not published`() throws {
    var writer = try open([("a", .u8, [2])])
    try writer.append([1])
    #expect(
      throws: FormatError.wrongByteCount(file: path, item: "a", found: 1, expected: 2)
    ) { try writer.publish() }
    writer.discard()
    #expect(try directory.names == [])
  }

  @Test(arguments: ["a", "__metadata__"])
  func `a name that is taken is refused`(name: String) throws {
    #expect(
      throws: FormatError.malformed(
        file: path, item: "the name of tensor \(name)", found: "taken", expected: "each name once")
    ) { try open([("a", .u8, [1]), (name, .u8, [1])]) }
    #expect(try directory.names == [])
  }

  @Test(arguments: [
    (DataType.u8, [-1]), (.f64, [1 << 60]), (.f4, [3]), (.u8, [1 << 32, 1 << 32]),
  ])
  func `a shape without a size in bytes is refused`(type: DataType, shape: [Int]) throws {
    #expect(
      throws: FormatError.malformed(
        file: path, item: "shape of tensor a", found: "\(shape)",
        expected: "a whole number of bytes that fits 63 bits")
    ) { try open([("a", type, shape)]) }
  }

  @Test func `an existing file is kept unless it may be replaced`() throws {
    _ = try directory.write([1], as: "out.safetensors")
    #expect(throws: FormatError.outputExists(file: path)) { try open([]) }
    var writer = try open([], overwrite: true)
    try writer.publish()
    #expect(try SafetensorsFile(path: path).tensors.isEmpty)
  }
}
