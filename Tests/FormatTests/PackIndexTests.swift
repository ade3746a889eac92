import Testing

@testable import Format

/// Indexes that carry the right checksum but lie.
@Suite struct PackIndexTests {
  let directory: TemporaryDirectory
  let pack: [UInt8]

  init() throws {
    directory = try TemporaryDirectory()
    try writeSmallPack(to: directory.file("model.vlmp"))
    pack = try contents(of: directory.file("model.vlmp"))
  }

  private func expectRefusal(
    _ bytes: [UInt8], item: String, found: String, expected: String
  ) throws {
    let path = try directory.write(bytes, as: "forged")
    #expect(
      throws: FormatError.malformed(file: path, item: item, found: found, expected: expected)
    ) { try PackReader(path: path) }
  }

  @Test func `the forger's tools leave an honest index intact`() throws {
    let path = try directory.write(forge(pack, header: { $0 }), as: "same")
    #expect(try PackReader(path: path).verify { _, _ in }.isEmpty)
    #expect(try contents(of: path) == pack)
  }

  static let badMembers: [(String, JSON?, String, String, String)] = [
    ("format", .string("x"), ".format", "\"x\"", "“vlmp”"),
    ("version", .string("1.1"), ".version", "\"1.1\"", "“1.0”"),
    ("model", nil, ".model", "missing", "to be there"),
    ("recipe", .array([]), ".recipe", "[]", "an object"),
    ("provenance", .null, ".provenance", "null", "an object"),
    ("evaluation", nil, ".evaluation", "missing", "to be there"),
    ("evaluation", .integer(1), ".evaluation", "1", "an object"),
    ("activations", .null, ".activations", "null", "an object"),
    ("tensors", .object([:]), ".tensors", "{}", "an array"),
    ("assets", nil, ".assets", "missing", "to be there"),
    ("tensors/0/name", .integer(1), ".tensors[0].name", "1", "a text"),
    (
      "tensors/0/name", .string(""), ".tensors[0].name", "\"\"",
      "a text with characters that are all printable"
    ),
    (
      "tensors/0/role", .string("a\u{1B}"), ".tensors[0].role", #""a\u001b""#,
      "a text with characters that are all printable"
    ),
    ("tensors/1/name", .string("first"), "the name of a tensor", "first, twice", "each name once"),
    (
      "tensors/0/planes/1/name", .string("codes"), "the name of a plane of tensor first",
      "codes, twice", "each name once"
    ),
    (
      "assets/0/name", .string(".."), "the name of an asset", "..", "a file name without a folder"
    ),
    (
      "tensors/0/shape/0", .integer(-1), ".tensors[0].shape[0]", "-1",
      "an integer that is not negative"
    ),
    (
      "tensors/0/shape/0", .number(2.5), ".tensors[0].shape[0]", "2.5",
      "an integer that is not negative"
    ),
    (
      "tensors/0/shape/0", .integer(1 << 62), "the shape of tensor first",
      "[4611686018427387904, 500]", "a product that fits 63 bits"
    ),
    (
      "tensors/0/rows", .integer(2), "the matrix of tensor first", "2 × 1000",
      "1000 elements, as its shape [2, 500] has"
    ),
    ("tensors/2/planes", .array([]), "tensor third", "without planes", "at least one"),
    (
      "tensors/0/planes/0/transform", .string("shuffle8"), ".tensors[0].planes[0].transform",
      "\"shuffle8\"", "none, shuffle2 or shuffle4"
    ),
    (
      "tensors/0/planes/1/bytes", .integer(401), "the size of plane scales of tensor first", "401",
      "a multiple of 2"
    ),
    (
      "tensors/0/planes/0/bytes", .integer(1001), "the raw length of block 0", "1000", "1001"
    ),
    (
      "tensors/0/planes/0/bytes", .integer(1 << 20 + 1), "plane codes of tensor first",
      "in 1 blocks from 0", "2 blocks from 0 of 4"
    ),
    (
      "tensors/0/planes/0/firstBlock", .integer(1), "plane codes of tensor first",
      "in 1 blocks from 1", "1 blocks from 0 of 4"
    ),
    (
      "tensors/0/planes/0/blockCount", .integer(.max), "plane codes of tensor first",
      "in 9223372036854775807 blocks from 0", "1 blocks from 0 of 4"
    ),
    ("assets", .array([]), "the number of blocks", "4", "3, as the planes have"),
    (
      "assets/0/plane/firstBlock", .integer(.max), "asset tokenizer.json",
      "in 1 blocks from 9223372036854775807", "1 blocks from 3 of 4"
    ),
  ]

  @Test(arguments: badMembers)
  func `a header that lies is refused with its part`(
    member: String, value: JSON?, item: String, found: String, expected: String
  ) throws {
    let forged = try forge(pack, header: { $0.replacing(member, with: value) })
    try expectRefusal(forged, item: item, found: found, expected: expected)
  }

  static let tooLarge: [(String, JSON, String, UInt64, UInt64)] = [
    (
      "tensors/0/name", .string(String(repeating: "n", count: 513)),
      "the length of .tensors[0].name", 513, 512
    ),
    (
      "tensors/0/shape", .array([JSON](repeating: .integer(1), count: 9)),
      "the count of .tensors[0].shape", 9, 8
    ),
    (
      "tensors/0/planes", .array([JSON](repeating: .null, count: 9)),
      "the count of .tensors[0].planes", 9, 8
    ),
    (
      "tensors", .array([JSON](repeating: .null, count: 131_073)), "the count of .tensors",
      131_073, 131_072
    ),
    ("assets", .array([JSON](repeating: .null, count: 1025)), "the count of .assets", 1025, 1024),
    (
      "tensors/0/planes/0/bytes", .integer(.max), "the size of plane codes of tensor first",
      UInt64(Int64.max), 1 << 34
    ),
  ]

  @Test(arguments: tooLarge)
  func `a header over a limit is refused`(
    member: String, value: JSON, item: String, found: UInt64, limit: UInt64
  ) throws {
    let forged = try forge(pack, header: { $0.replacing(member, with: value) })
    let path = try directory.write(forged, as: "forged")
    #expect(throws: FormatError.tooLarge(file: path, item: item, found: found, limit: limit)) {
      try PackReader(path: path)
    }
  }

  static let badRows: [(Int, Int, [UInt8], String, String, String)] = [
    (0, 0, [65], "the offset of block 0", "65", "64"),
    (0, 7, [0x80], "the offset of block 0", "9223372036854775807", "63 bits"),
    (0, 16, [5], "the codec of block 0", "5", "0 to 4"),
    (0, 17, [1], "reserved bytes of block 0", "1", "0"),
    (0, 23, [1], "reserved bytes of block 0", "1", "0"),
    (0, 12, [0, 0, 0, 0], "the raw length of block 0", "0", "1 to 1048576"),
    (0, 12, [1, 0, 16, 0], "the raw length of block 0", "1048577", "1 to 1048576"),
    (0, 8, [0, 0, 0, 0], "the stored length of block 0", "0", "to agree with the codec zstd"),
    (
      0, 8, [0xE8, 3, 0, 0], "the stored length of block 0", "1000",
      "to agree with the codec zstd"
    ),
    (2, 8, [1, 0, 0, 0], "the stored length of block 2", "1", "to agree with the codec stored"),
    (1, 12, [0x92, 1, 0, 0], "the raw length of block 1", "402", "400"),
  ]

  @Test(arguments: badRows)
  func `a block table that lies is refused with its row`(
    block: Int, position: Int, bytes: [UInt8], item: String, found: String, expected: String
  ) throws {
    let forged = try forge(pack, block: block, at: position, bytes)
    try expectRefusal(forged, item: item, found: found, expected: expected)
  }

  @Test func `blocks must end where the index starts`() throws {
    let offset = Int(LittleEndian.value(in: pack, at: 16, as: UInt64.self))
    let gap = Array(pack[..<offset]) + [0] + pack[offset...]
    var shifted = gap
    shifted.replaceSubrange(16..<24, with: UInt64(offset + 1).littleEndianBytes)
    try expectRefusal(
      shifted, item: "the end of the blocks", found: "\(offset)",
      expected: "\(offset + 1), where the index starts")
  }

  @Test func `a compressed block in a stored plane is refused`() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model.vlmp")
    let writer = try PackWriter(output: path, codec: .stored, overwrite: false)
    try SampleTensor(planes: [("codes", .none, noise(PackLimits.blockSize + 100))])
      .write(to: writer)
    try writer.sealSample()
    try writer.publish()
    let forged = try forge(contents(of: path), block: 1, at: 8, [99, 0, 0, 0, 100, 0, 0, 0, 2])
    try expectRefusal(
      forged, item: "the codec of block 1", found: "zstd",
      expected: "stored, like the first block of plane codes of tensor language.head.weight")
  }

  @Test func `an index too short for its length is refused`() throws {
    let forged = try forge(pack) { (raw: inout [UInt8]) in raw = [1, 2, 3] }
    try expectRefusal(forged, item: "the index", found: "3 bytes", expected: "at least 8")
  }

  @Test func `a block table that is no whole number of rows is refused`() throws {
    let forged = try forge(pack) { (raw: inout [UInt8]) in raw.append(0) }
    try expectRefusal(
      forged, item: "the block table", found: "225 bytes", expected: "a multiple of 56")
    let longer = try forge(pack) { (raw: inout [UInt8]) in
      raw.replaceSubrange(0..<8, with: UInt64(raw.count).littleEndianBytes)
    }
    try expectRefusal(
      longer, item: "the block table", found: "-8 bytes", expected: "a multiple of 56")
  }

  @Test func `a header that is no JSON is refused`() throws {
    let forged = try forge(pack) { (raw: inout [UInt8]) in raw[8] = 0x5B }
    let path = try directory.write(forged, as: "forged")
    #expect(
      throws: FormatError.malformedJSON(file: path, .malformed(atByte: 9, expected: "‘,’ or ‘]’"))
    ) { try PackReader(path: path) }
  }

  @Test(arguments: [
    (PackLimits.headerSize + 1, "the header's length", PackLimits.headerSize)
  ])
  func `a header longer than the limit is refused`(
    length: Int, item: String, limit: Int
  ) throws {
    let forged = try forge(pack) { (raw: inout [UInt8]) in
      raw.replaceSubrange(0..<8, with: UInt64(length).littleEndianBytes)
    }
    let path = try directory.write(forged, as: "forged")
    #expect(
      throws: FormatError.tooLarge(
        file: path, item: item, found: UInt64(length), limit: UInt64(limit))
    ) { try PackReader(path: path) }
  }

  @Test func `too many blocks are refused`() throws {
    let count = PackLimits.blockCount + 1
    let forged = try forge(pack) { (raw: inout [UInt8]) in
      raw = [UInt8](repeating: 0, count: 8 + count * PackBlock.encodedSize)
    }
    let path = try directory.write(forged, as: "forged")
    #expect(
      throws: FormatError.tooLarge(
        file: path, item: "the number of blocks", found: UInt64(count),
        limit: UInt64(PackLimits.blockCount))
    ) { try PackReader(path: path) }
  }

  @Test func `an index that would unfold beyond the limit is refused`() throws {
    let size = PackLimits.indexSize + 1
    let bomb = try #require(Zstandard.compress([UInt8](repeating: 0, count: size)))
    let path = try directory.write(withStoredIndex(pack, bomb), as: "bomb")
    #expect(
      throws: FormatError.tooLarge(
        file: path, item: "the index's size", found: UInt64(size),
        limit: UInt64(PackLimits.indexSize))
    ) { try PackReader(path: path) }
  }

  @Test func `an index that is no zstd frame is refused`() throws {
    let offset = Int(LittleEndian.value(in: pack, at: 16, as: UInt64.self))
    let frame = Array(pack[offset...])
    for bytes in [[], [1, 2, 3], frame + frame, frame + [0]] {
      try expectRefusal(
        withStoredIndex(pack, bytes), item: "the index", found: "\(bytes.count) other bytes",
        expected: "one zstd frame that states its content size")
    }
  }

  @Test func `an index frame that does not unfold is refused`() throws {
    // A frame header that states 9 bytes, and a last block whose type is reserved.
    let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 9, 0x0B, 0, 0, 0]
    let path = try directory.write(withStoredIndex(pack, frame), as: "forged")
    #expect(throws: FormatError.self) { try PackReader(path: path) }
  }

  @Test func `indexes of noise are refused and nothing traps`() throws {
    var refused = 0
    let base = noise(4000, seed: 9)
    for round in 0..<400 {
      let forged = try forge(pack) { (raw: inout [UInt8]) in
        for change in 0..<3 {
          let place = Int(base[round * 10 + change]) << 8 | Int(base[round * 10 + change + 3])
          raw[place % raw.count] ^= base[round * 10 + change + 6] | 1
        }
      }
      let path = try directory.write(forged, as: "noise")
      do throws(FormatError) {
        _ = try PackReader(path: path).verify { _, _ in }
      } catch { refused += 1 }
    }
    #expect(refused > 300)
  }
}
