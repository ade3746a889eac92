import Testing

@testable import Format

@Suite struct PackWriterTests {
  let directory: TemporaryDirectory
  let path: String
  let writer: PackWriter

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("model.vlmp")
    writer = try PackWriter(output: path, codec: .zstd, overwrite: false)
  }

  private func begin(
    name: String = "t", shape: [Int] = [4], rows: Int = 1, columns: Int = 4,
    transform: PlaneTransform = .none, bytes: Int = 4
  ) throws {
    try writer.beginTensor(
      name: name, source: "s", role: "projection", shape: shape, rows: rows, columns: columns,
      encoding: "q8", reason: "r", planes: [PlannedPlane("codes", transform, bytes: bytes)])
  }

  @Test func `more bytes than announced are refused`() throws {
    try begin()
    try writer.append([[1, 2, 3]])
    #expect(
      throws: FormatError.wrongByteCount(
        file: path, item: "plane codes of tensor t", found: 5, expected: 4)
    ) { try writer.append([[4, 5]]) }
  }

  @Test func `fewer bytes than announced are refused`() throws {
    try begin()
    try writer.append([[1, 2, 3]])
    #expect(
      throws: FormatError.wrongByteCount(
        file: path, item: "plane codes of tensor t", found: 3, expected: 4)
    ) { try writer.endTensor() }
    writer.discard()
    #expect(try directory.names == [])
  }

  @Test func `a tensor's name is given once`() throws {
    try begin()
    try writer.append([[1, 2, 3, 4]])
    try writer.endTensor()
    #expect(
      throws: FormatError.malformed(
        file: path, item: "the name of a tensor", found: "t, twice", expected: "each name once")
    ) { try begin() }
  }

  @Test(arguments: [([4], 2, 1), ([-2, 2], 2, 2), ([1 << 40, 1 << 40], 1, 1), ([2], -1, -2)])
  func `a matrix has the elements of the shape`(shape: [Int], rows: Int, columns: Int) throws {
    #expect(
      throws: FormatError.malformed(
        file: path, item: "the matrix of tensor t", found: "\(rows) × \(columns)",
        expected: "as many elements as its shape \(shape)")
    ) { try begin(shape: shape, rows: rows, columns: columns) }
  }

  @Test(arguments: [(PlaneTransform.shuffle2, 3), (.shuffle4, 6), (.none, -1)])
  func `a plane is a multiple of its values`(transform: PlaneTransform, bytes: Int) throws {
    #expect(
      throws: FormatError.malformed(
        file: path, item: "the size of plane codes of tensor t", found: "\(bytes)",
        expected: "a multiple of \(transform.width)")
    ) { try begin(transform: transform, bytes: bytes) }
  }

  @Test func `what the reader would refuse is not sealed`() throws {
    try writer.addAsset(name: "a/b", mediaType: "text/plain", bytes: [1])
    #expect(
      throws: FormatError.malformed(
        file: path, item: "the name of an asset", found: "a/b",
        expected: "a file name without a folder")
    ) { try writer.sealSample() }
    #expect(
      throws: FormatError.malformed(
        file: path, item: ".model", found: "null", expected: "an object")
    ) {
      try writer.seal(model: .null, recipe: .null, provenance: .null, evaluation: .null)
    }
  }

  @Test func `an existing pack is kept unless it may be replaced`() throws {
    _ = try directory.write([1], as: "model.vlmp")
    #expect(throws: FormatError.outputExists(file: path)) {
      try PackWriter(output: path, codec: .zstd, overwrite: false)
    }
    try writer.sealSample()
    #expect(throws: FormatError.outputExists(file: path)) { try writer.publish() }
    #expect(try directory.names == ["model.vlmp"])
    #expect(try contents(of: path) == [1])
  }
}
