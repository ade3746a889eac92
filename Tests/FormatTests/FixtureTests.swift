import Foundation
import Testing

@testable import Format

/// Files that other programs wrote; `Tests/Fixtures/format/make_fixtures.py` makes them.
@Suite struct FixtureTests {
  /// A path inside `Tests`.
  private func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent(name).path
  }

  @Test func `a pack written from the specification alone is read`() throws {
    let reader = try PackReader(path: path("Fixtures/format/independent.vlmp"))
    #expect(try reader.verify { _, _ in }.isEmpty)
    #expect(reader.header.activations == ["größte": .number(1.5)])
    #expect(reader.header.evaluation == .null)
    let tensors = reader.header.tensors
    #expect(
      tensors.map(\.name) == [
        "quantized", "mapped", "nibbles", "singles", "coded", "columns", "rows",
      ])
    #expect(tensors[2].shape == [2, 3, 6] && tensors[2].rows == 2 && tensors[2].columns == 18)
    let codes = try reader.plane(tensors[0].planes[0], of: "quantized")
    #expect(codes == (0..<2800).map { UInt8($0 * 7 % 5) })
    let scales = try reader.plane(tensors[0].planes[1], of: "quantized")
    let powers: [Float16] = [1, 0.5, 0.25, 0.125]
    #expect(scales == (0..<80).flatMap { powers[$0 % 4].bitPattern.littleEndianBytes })
    let mapped = try reader.plane(tensors[1].planes[0], of: "mapped")
    #expect(mapped == (0..<1025).flatMap { (Float($0) / 2).bitPattern.littleEndianBytes })
    let singles = try reader.plane(tensors[3].planes[0], of: "singles")
    #expect(singles == (0..<300).flatMap { Float($0).bitPattern.littleEndianBytes })
    let coded = try reader.plane(tensors[4].planes[0], of: "coded")
    #expect(coded == (0..<1500).map { UInt8(truncatingIfNeeded: ($0 * $0 % 7) - 2) })
    #expect(reader.blocks[tensors[4].planes[0].firstBlock].codec == .rans)
    let columns = try reader.plane(tensors[5].planes[0], of: "columns")
    #expect(columns == uneven { $0 % 40 })
    let rows = try reader.plane(tensors[6].planes[0], of: "rows")
    #expect(rows == uneven { $0 / 50 })
    for tensor in tensors[5...6] {
      #expect(reader.blocks[tensor.planes[0].firstBlock].codec == .classedRANS)
    }
    let note = try reader.plane(reader.header.assets[0].plane, of: "note.txt")
    #expect(String(decoding: note, as: UTF8.self) == "eins, zwei, größer")
  }

  /// Codes whose range grows with the number of a line.
  private func uneven(line: (Int) -> Int) -> [UInt8] {
    (0..<2000).map { index in
      let range = 2 + line(index) / 4
      return UInt8(index * index * 3 % range)
    }
  }

  @Test func `a file written by the original implementation is read`() throws {
    let file = try SafetensorsFile(path: path("Fixtures/format/huggingface.safetensors"))
    #expect(file.metadata == ["format": "np"])
    #expect(file.tensors.count == 9)
    func tensor(_ name: ExactString) throws -> TensorInfo { try #require(file.tensors[name]) }
    #expect(try file.floats(of: tensor("half")) == [1, -2, 0.5, 65504])
    #expect(try file.floats(of: tensor("single")) == [1.5, -0.0, 3e38])
    #expect(try file.floats(of: tensor("double")) == [0.25])
    #expect(try file.integers(of: tensor("long")) == [-1, 1 << 62])
    #expect(try file.integers(of: tensor("byte")) == [0, 127, 255])
    #expect(try file.integers(of: tensor("truth")) == [1, 0])
    #expect(try file.integers(of: tensor("scalar")) == [-7])
    #expect(try tensor("empty").shape == [0, 4] && file.floats(of: tensor("empty")) == [])
    #expect(try file.integers(of: tensor("größe")) == [-300])
  }

  /// An interpreter with the package `zstandard`.
  static let python = ProcessInfo.processInfo.environment["VLM_PYTHON"]

  @Test(.enabled(if: python != nil, "VLM_PYTHON names an interpreter"), arguments: Codec.allCases)
  func `the independent reader accepts what we write`(codec: Codec) throws {
    let directory = try TemporaryDirectory()
    let pack = directory.file("model.vlmp")
    let writer = try PackWriter(output: pack, codec: codec, overwrite: false)
    for tensor in PackRoundTripTests.ragged { try tensor.write(to: writer) }
    try writer.beginTensor(
      name: "halves", source: "s", role: "bias", shape: [3], rows: 1, columns: 3, encoding: "f16",
      reason: "é\"\\\n", planes: [PlannedPlane("values", .shuffle2, bytes: 6)])
    try writer.append([[0, 0x3C, 0, 0xC0, 0, 0x38]])
    try writer.endTensor()
    for uneven in [ClassedCompressionTests.cases[2], ClassedCompressionTests.cases[6]] {
      let rows = uneven.part.byteCount / 256
      try writer.beginTensor(
        name: "\(uneven.axis)", source: "s", role: "projection", shape: [rows, 256], rows: rows,
        columns: 256, encoding: "q8", reason: "r",
        planes: [PlannedPlane("codes", bytes: rows * 256, unevenRowBytes: 256)])
      try writer.append([Array(uneven.codes().prefix(rows * 256))])
      try writer.endTensor()
    }
    try writer.sealSample(evaluation: ["loss": .number(0.1), "nothing": .null])
    let (_, modelID) = try writer.publish()
    let summary = try run([pack])
    #expect(summary.contains("model \(modelID)\n"))
    #expect(summary.contains("header is canonical\n"))
    #expect(summary.contains("all checksums agree\n"))
    #expect(try run([pack, "--tensor", "halves"]) == "1.0 -2.0 0.5\n")
  }

  /// What the independent reader prints.
  private func run(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(Self.python))
    process.arguments = [path("References/read_pack.py")] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: text, as: UTF8.self)
  }
}
