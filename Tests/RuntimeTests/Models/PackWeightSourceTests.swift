import Format
import Quant
import Runtime
import TestSupport
import Testing

@Suite struct PackWeightSourceTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Writes a pack of one tensor; its encoding may be named wrongly and its planes may be changed.
  private func pack(
    _ encoding: String = "q8", rows: Int = 3, columns: Int = 20, planes: [(String, Int)]? = nil,
    filling byte: UInt8 = 1
  ) throws -> PackReader {
    let path = directory.file("one.vlmp")
    let writer = try PackWriter(output: path, codec: .zstd, overwrite: true)
    let layouts =
      planes
      ?? Encodings.named(encoding)?.planes.map {
        ($0.name, $0.storedBytes(rows: rows, columns: columns))
      }
      ?? [("values", 1)]
    try writer.beginTensor(
      name: "a", source: "b", role: "projection", shape: [rows, columns], rows: rows,
      columns: columns, encoding: encoding, reason: "test",
      planes: layouts.map { PlannedPlane($0.0, bytes: $0.1) })
    try writer.append(layouts.map { [UInt8](repeating: byte, count: $0.1) })
    try writer.endTensor()
    let empty = JSON.dictionary([:])
    try writer.seal(model: empty, recipe: empty, provenance: empty, evaluation: .null)
    try writer.publish()
    return try PackReader(path: path)
  }

  @Test(arguments: Encodings.all.map(\.name))
  func `every encoding comes back as it was written`(name: String) throws {
    let encoding = try #require(Encodings.named(name))
    let matrix = try EncodedMatrix(
      .noise(rows: 5, columns: 300, seed: 1), encoding: encoding)
    let path = directory.file("\(name).vlmp")
    let writer = try PackWriter(output: path, codec: .zlib, overwrite: false)
    try writer.beginTensor(
      name: "a", source: "b", role: "projection", shape: [5, 300], rows: 5, columns: 300,
      encoding: name, reason: "test",
      planes: zip(encoding.planes, matrix.planes).map {
        PlannedPlane($0.name, $0.elementBytes == 2 ? .shuffle2 : .none, bytes: $1.count)
      })
    try writer.append(matrix.planes)
    try writer.endTensor()
    let empty = JSON.dictionary([:])
    try writer.seal(model: empty, recipe: empty, provenance: empty, evaluation: .null)
    try writer.publish()
    let weights = PackWeightSource(try PackReader(path: path))
    let read = try weights.matrix("a", rows: 5, columns: 300)
    #expect(read.planes == matrix.planes)
    #expect(read.encoding.name == name)
    #expect(read.expanded() == matrix.expanded())
  }

  @Test func `a code that its encoding does not have is refused`() throws {
    let reader = try pack("q6", filling: 32)
    #expect(
      throws: ModelError.malformedTensor(
        "a", file: reader.path,
        reason: "an element of “codes” is larger than the encoding allows")
    ) { try PackWeightSource(reader).matrix("a", rows: 3, columns: 20) }
    let largest = try pack("q6", filling: 31)
    #expect(try PackWeightSource(largest).matrix("a", rows: 3, columns: 20).rows == 3)
  }

  @Test func `a tensor that is not there is named`() throws {
    let reader = try pack()
    #expect(throws: ModelError.missingTensor("c", file: reader.path)) {
      try PackWeightSource(reader).matrix("c", rows: 3, columns: 20)
    }
  }

  @Test(arguments: [(20, 3), (1, 60), (3, 21), (0, 0)])
  func `codes are read in their own shape only`(rows: Int, columns: Int) throws {
    let reader = try pack()
    #expect(
      throws: ModelError.misshapenTensor(
        "a", file: reader.path, found: [3, 20], expected: [rows, columns])
    ) { try PackWeightSource(reader).matrix("a", rows: rows, columns: columns) }
  }

  @Test func `floats are read in any shape of as many elements`() throws {
    let weights = PackWeightSource(try pack("f16"))
    for (rows, columns) in [(3, 20), (1, 60), (60, 1), (4, 15)] {
      #expect(try weights.matrix("a", rows: rows, columns: columns).expanded().rows == rows)
    }
    #expect(throws: ModelError.self) { try weights.matrix("a", rows: 1, columns: 61) }
  }

  @Test func `an unknown encoding is named`() throws {
    let reader = try pack("q3")
    #expect(
      throws: ModelError.unknownEncoding("q3", tensor: "a", file: reader.path)
    ) { try PackWeightSource(reader).matrix("a", rows: 3, columns: 20) }
  }

  static let wrongPlanes: [[(String, Int)]] = [
    [("codes", 60)], [("codes", 59), ("scales", 6)], [("codes", 60), ("scales", 8)],
    [("scales", 6), ("codes", 60)], [("codes", 60), ("scale", 6)],
    [("codes", 60), ("scales", 6), ("more", 1)],
  ]

  /// Steps for another number of columns, for each row, and none.
  static let wrongEntropyPlanes: [[(String, Int)]] = [38, 42, 120, 0].map {
    [("codes", 60), ("rowScales", 6), ("columnSteps", $0)]
  }

  @Test(arguments: wrongPlanes.map { ("q8", $0) } + wrongEntropyPlanes.map { ("e", $0) })
  func `planes that are not the encoding's are refused`(
    name: String, planes: [(String, Int)]
  ) throws {
    let reader = try pack(name, planes: planes)
    #expect(throws: ModelError.misshapenPlanes(tensor: "a", file: reader.path)) {
      try PackWeightSource(reader).matrix("a", rows: 3, columns: 20)
    }
  }

  /// Shapes that a header may state because their product fits 63 bits.
  static let absurdShapes = [
    (0, Int.max), (Int.max, 0), (1, Int.max), (Int.max, 1), (1 << 31, 1 << 31), (1, 1 << 61),
  ]

  @Test(arguments: Encodings.all.map(\.name), absurdShapes)
  func `absurd shapes are refused without a trap`(name: String, shape: (Int, Int)) throws {
    let (rows, columns) = shape
    let planes = try #require(Encodings.named(name)).planes.map { ($0.name, 2) }
    let reader = try pack(name, rows: rows, columns: columns, planes: planes)
    let tensor = try #require(reader.header.tensors.first)
    #expect(throws: ModelError.misshapenPlanes(tensor: "a", file: reader.path)) {
      try PackWeightSource(reader).matrix(of: tensor)
    }
    #expect(throws: ModelError.self) {
      try PackWeightSource(reader).matrix("a", rows: 3, columns: 20)
    }
  }
}
