import Foundation
import Testing

@testable import Format

@Suite struct PackCorruptionTests {
  let directory: TemporaryDirectory
  let path: String
  let pack: [UInt8]

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("model.vlmp")
    try writeSmallPack(to: path)
    pack = try contents(of: path)
  }

  /// What lies at every byte of the file: a block's number, −1 − its number for the padding before
  /// it, nothing for the preamble and the index.
  private func places(of reader: PackReader) -> [Int?] {
    var places = [Int?](repeating: nil, count: pack.count)
    var end = PackLimits.preambleSize
    for (number, block) in reader.blocks.enumerated() {
      for position in end..<block.offset { places[position] = -1 - number }
      for position in block.range { places[position] = number }
      end = block.range.upperBound
    }
    return places
  }

  @Test func `a change of any byte is refused or located`() throws {
    let places = places(of: try PackReader(path: path))
    #expect(places.contains { $0 ?? 0 < 0 }, "the sample has padding")
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    for (position, change) in zip(pack.indices, noise(pack.count, seed: 3)) {
      try handle.seek(toOffset: UInt64(position))
      try handle.write(contentsOf: [pack[position] ^ max(change, 1)])
      if let place = places[position] {
        let faults = try PackReader(path: path).verify { _, _ in }
        #expect(faults.count == 1)
        #expect(faults.first?.block == (place < 0 ? -1 - place : place))
        #expect(faults.first?.problem == (place < 0 ? .dirtyPadding : .wrongChecksum))
        #expect(faults.first?.bytes.contains(position) == true)
      } else {
        #expect(throws: FormatError.self, "byte \(position)") { try PackReader(path: path) }
      }
      try handle.seek(toOffset: UInt64(position))
      try handle.write(contentsOf: [pack[position]])
    }
    #expect(try PackReader(path: path).verify { _, _ in }.isEmpty)
  }

  @Test func `every cut and every byte added is refused`() throws {
    let path = try directory.write(pack + [0], as: "cut")
    #expect(throws: FormatError.self) { try PackReader(path: path) }
    // Cutting one file shorter and shorter spares thousands of new ones.
    let handle = try #require(FileHandle(forUpdatingAtPath: path))
    for count in pack.indices.reversed() {
      try handle.truncate(atOffset: UInt64(count))
      #expect(throws: FormatError.self, "\(count) bytes") { try PackReader(path: path) }
    }
  }

  @Test func `a damaged block is named when its plane is read`() throws {
    let reader = try PackReader(path: path)
    let tensor = reader.header.tensors[0]
    let offset = reader.blocks[1].offset
    var damaged = pack
    damaged[offset] ^= 1
    let other = try PackReader(path: directory.write(damaged, as: "damaged"))
    #expect(try other.plane(tensor.planes[0], of: "tensor first") == mildNoise(1000))
    #expect(
      throws: FormatError.hashMismatch(
        file: other.path, item: "block 1, plane scales of tensor first,", offset: offset)
    ) { try other.plane(tensor.planes[1], of: "tensor first") }
    let fault = try #require(try other.verify { _, _ in }.first)
    #expect(
      fault.description
        == "block 1 (plane scales of tensor first, bytes \(reader.blocks[1].range.lowerBound) to "
        + "\(reader.blocks[1].range.upperBound)) does not have its SHA-256 checksum")
  }

  @Test func `a block with the right checksum that does not decompress is found`() throws {
    let reader = try PackReader(path: path)
    let block = reader.blocks[0]
    var forged = pack
    for position in block.range { forged[position] = 0xAA }
    forged = try forge(
      forged, block: 0, at: 24, sha256(Array(forged[block.range])).bytes)
    let other = try PackReader(path: directory.write(forged, as: "forged"))
    #expect(
      throws: FormatError.undecodable(
        file: other.path, item: "block 0, plane codes of tensor first,", offset: block.offset,
        expected: 1000)
    ) { try other.plane(other.header.tensors[0].planes[0], of: "tensor first") }
    #expect(try other.verify { _, _ in }.map(\.problem) == [.undecodable])
  }

  @Test func `a plane of another pack is refused`() throws {
    let reader = try PackReader(path: path)
    for (first, count, bytes) in [(0, 2, 1400), (0, 1, 999), (99, 1, 5), (-1, 1, 5), (1, 1, 1000)] {
      let plane = PackPlane(
        name: "codes", transform: .none, bytes: bytes, firstBlock: first, blockCount: count)
      #expect(
        throws: FormatError.malformed(
          file: path, item: "plane codes of it", found: "unknown",
          expected: "a plane of this pack")
      ) { try reader.plane(plane, of: "it") }
    }
  }

  @Test func `other files are no packs`() throws {
    for bytes in [[], [0x89], Array("{}".utf8), [UInt8](repeating: 0, count: 100)] {
      let path = try directory.write(bytes, as: "other")
      #expect(!PackReader.isPack(path: path))
      #expect(throws: FormatError.notPack(file: path)) { try PackReader(path: path) }
    }
    #expect(!PackReader.isPack(path: directory.file("nothing")))
    #expect(!PackReader.isPack(path: directory.path))
  }

  @Test func `a preamble alone is refused`() throws {
    let path = try directory.write(Array(pack[..<20]), as: "short")
    #expect(throws: FormatError.outsideFile(file: path, bytes: 0..<64, fileSize: 20)) {
      try PackReader(path: path)
    }
  }

  @Test(arguments: [(8, 2, "2.0"), (8, 0, "0.0"), (10, 1, "1.1"), (11, 1, "1.256")])
  func `another version is refused by name`(position: Int, byte: UInt8, found: String) throws {
    var changed = pack
    changed[position] = byte
    let path = try directory.write(changed, as: "version")
    #expect(throws: FormatError.unsupportedVersion(file: path, found: found, expected: "1.0")) {
      try PackReader(path: path)
    }
  }

  @Test func `flags must be zero`() throws {
    var changed = pack
    changed[13] = 1
    let path = try directory.write(changed, as: "flags")
    #expect(
      throws: FormatError.malformed(file: path, item: "flags", found: "256", expected: "0")
    ) { try PackReader(path: path) }
  }

  @Test(arguments: [UInt64(0), 63, 1 << 40, .max])
  func `an index outside the file is refused`(offset: UInt64) throws {
    var changed = pack
    changed.replaceSubrange(16..<24, with: offset.littleEndianBytes)
    let path = try directory.write(changed, as: "outside")
    let length = LittleEndian.value(in: pack, at: 24, as: UInt64.self)
    #expect(
      throws: FormatError.malformed(
        file: path, item: "the index", found: "\(length) bytes at \(offset)",
        expected: "to lie between the preamble and the file's end at \(pack.count)")
    ) { try PackReader(path: path) }
  }

  @Test func `an index without its checksum is refused`() throws {
    var changed = pack
    changed[pack.count - 1] ^= 1
    let path = try directory.write(changed, as: "index")
    let offset = Int(LittleEndian.value(in: pack, at: 16, as: UInt64.self))
    let error = FormatError.hashMismatch(file: path, item: "the index", offset: offset)
    #expect(throws: error) { try PackReader(path: path) }
    #expect(error.kind == .verification)
  }
}
