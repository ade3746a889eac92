import Testing

@testable import Format

@Suite struct PackRoundTripTests {
  let directory: TemporaryDirectory
  let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("model.vlmp")
  }

  /// Planes around the size of a block: ragged, exact, one beyond, tiny, empty; compressible, mixed
  /// and not.
  static let ragged: [SampleTensor] = {
    let block = PackLimits.blockSize
    return [
      SampleTensor(
        name: "a", shape: [5],
        planes: [
          ("codes", .none, mildNoise(2 * block + 777)),
          ("scales", .shuffle2, mildNoise(block + 2)),
          ("offsets", .shuffle4, mildNoise(block)),
        ]),
      SampleTensor(
        name: "b", shape: [2, 3],
        planes: [
          ("codes", .shuffle2, mildNoise(block) + noise(block) + mildNoise(10)),
          ("scales", .none, noise(block) + mildNoise(block)), ("empty", .shuffle4, []),
        ]),
      SampleTensor(
        name: "c", shape: [],
        planes: [("values", .none, [7]), ("more", .shuffle2, noise(6000))]),
    ]
  }()

  private func write(codec: Codec, threads: Int = 2, piece: Int = .max) throws -> [UInt8] {
    let writer = try PackWriter(output: path, codec: codec, overwrite: true, threads: threads)
    for tensor in Self.ragged { try tensor.write(to: writer, piece: piece) }
    try writer.addAsset(name: "LICENSE", mediaType: "text/plain", bytes: Array("free".utf8))
    try writer.sealSample()
    try writer.publish()
    return try contents(of: path)
  }

  @Test(arguments: Codec.allCases)
  func `planes and assets come back`(codec: Codec) throws {
    _ = try write(codec: codec)
    let reader = try PackReader(path: path)
    #expect(reader.header.tensors.map(\.name) == ["a", "b", "c"])
    for (tensor, sample) in zip(reader.header.tensors, Self.ragged) {
      #expect(tensor.shape == sample.shape && tensor.planes.count == sample.planes.count)
      for plane in sample.planes {
        let found = try #require(tensor.plane(plane.name))
        #expect(found.transform == plane.transform)
        let content = try reader.plane(found, of: tensor.name)
        #expect(content == plane.bytes, "plane \(plane.name) of \(tensor.name)")
      }
    }
    let asset = try #require(reader.header.assets.first)
    #expect(asset.name == "LICENSE" && asset.mediaType == "text/plain")
    #expect(try reader.plane(asset.plane, of: asset.name) == Array("free".utf8))
    #expect(try reader.verify { _, _ in }.isEmpty)
    #expect(PackReader.isPack(path: path))
  }

  @Test(arguments: Codec.allCases)
  func `threads and pieces do not change the bytes`(codec: Codec) throws {
    let expected = try write(codec: codec, threads: 1)
    for (threads, piece) in [(2, Int.max), (3, 100_003), (2, 1 << 20), (1, 333_333)] {
      #expect(try write(codec: codec, threads: threads, piece: piece) == expected)
    }
  }

  @Test(arguments: Codec.allCases)
  func `stored planes can be mapped`(codec: Codec) throws {
    let bytes = try write(codec: codec)
    let reader = try PackReader(path: path)
    var mapped = 0
    for (tensor, sample) in zip(reader.header.tensors, Self.ragged) {
      for (plane, content) in zip(tensor.planes, sample.planes.map(\.bytes))
      where plane.blockCount > 0 && reader.blocks[plane.firstBlock].codec == .stored {
        let start = reader.blocks[plane.firstBlock].offset
        #expect(Array(bytes[start..<start + plane.bytes]) == content)
        #expect(start.isMultiple(of: 4096) || plane.bytes < 4096)
        #expect(reader.storedBytes(of: plane) == plane.bytes)
        mapped += 1
      }
    }
    // Nothing here has rows that could be in classes.
    #expect(mapped == (codec == .stored || codec == .classedRANS ? 7 : 3))
  }

  @Test func `a block that does not gain is stored in a compressed plane`() throws {
    _ = try write(codec: .zstd)
    let reader = try PackReader(path: path)
    let plane = try #require(reader.header.tensors[1].plane("codes"))
    #expect(reader.blocks[plane.blocks].map(\.codec) == [.zstd, .stored, .stored])
    let whole = try #require(reader.header.tensors[1].plane("scales"))
    #expect(reader.blocks[whole.blocks].map(\.codec) == [.stored, .stored])
  }

  @Test func `a pack can be sealed again after it was read`() throws {
    let writer = try PackWriter(output: path, codec: .zstd, overwrite: false)
    try Self.ragged[2].write(to: writer)
    #expect(throws: FormatError.notPack(file: writer.temporaryPath)) {
      try PackReader(path: writer.temporaryPath)
    }
    try writer.sealSample(evaluation: ["text": .string(String(repeating: "long ", count: 99))])
    let first = try PackReader(path: writer.temporaryPath)
    #expect(first.header.evaluation["text"] != nil)
    try writer.sealSample(evaluation: ["loss": .number(1.5)])
    let (byteCount, modelID) = try writer.publish()
    let reader = try PackReader(path: path)
    #expect(reader.header.evaluation == ["loss": .number(1.5)])
    #expect(reader.modelID == modelID && reader.modelID != first.modelID)
    #expect(reader.byteCount == byteCount && byteCount == writer.byteCount)
    #expect(try reader.verify { _, _ in }.isEmpty)
    #expect(try directory.names == ["model.vlmp"])
  }

  @Test func `the header keeps everything`() throws {
    let writer = try PackWriter(output: path, codec: .stored, overwrite: false)
    try writer.beginTensor(
      name: "vision.0.convolution.weight", source: "conv.weight", role: "convolution",
      shape: [4, 3, 2, 2], rows: 4, columns: 12, encoding: "q8g32", reason: "rule 3",
      calibration: ["method": .string("feedback")], planes: [PlannedPlane("codes", bytes: 3)])
    try writer.append([[1, 2, 3]])
    #expect(try writer.endTensor() == 3)
    try writer.seal(
      model: ["a": .integer(1)], recipe: ["b": .integer(2)], provenance: ["c": .integer(3)],
      evaluation: .null, activations: ["d": .number(0.5)])
    try writer.publish()
    let header = try PackReader(path: path).header
    #expect(
      header
        == PackHeader(
          tensors: [
            PackTensor(
              name: "vision.0.convolution.weight", source: "conv.weight", role: "convolution",
              shape: [4, 3, 2, 2], rows: 4, columns: 12, encoding: "q8g32", reason: "rule 3",
              calibration: ["method": .string("feedback")],
              planes: [
                PackPlane(
                  name: "codes", transform: .none, bytes: 3, firstBlock: 0, blockCount: 1)
              ])
          ], assets: [], model: ["a": .integer(1)], recipe: ["b": .integer(2)],
          provenance: ["c": .integer(3)], evaluation: .null, activations: ["d": .number(0.5)]))
    let tensor = try #require(header.tensors.first)
    #expect(tensor.json["reason"] == JSON.string("rule 3"))
    #expect(tensor.json["calibration"]?["method"] == JSON.string("feedback"))
  }

  @Test func `a pack without tensors is a pack`() throws {
    let writer = try PackWriter(output: path, codec: .zstd, overwrite: false)
    try writer.sealSample()
    try writer.publish()
    let reader = try PackReader(path: path)
    #expect(reader.header.tensors.isEmpty && reader.header.assets.isEmpty)
    #expect(try reader.verify { _, _ in }.isEmpty)
  }

  @Test func `progress counts the blocks`() throws {
    try writeSmallPack(to: path)
    var seen = [Int]()
    _ = try PackReader(path: path).verify { done, all in
      #expect(all == 4)
      seen.append(done)
    }
    #expect(seen == [1, 2, 3, 4])
  }
}
