import Foundation
import Testing

@testable import Format

@Suite struct StateFileTests {
  private let directory: TemporaryDirectory
  private let path: String
  private let sample = StateFile(
    model: String(repeating: "0f", count: 32),
    arrays: [
      .init(name: "layers.0.history", shape: [3, 2], values: [0, -0.0, 1.5, -2, 0x1p-133, 3e38]),
      .init(name: "empty", shape: [0, 4], values: []),
      .init(name: "scalar", shape: [], values: [7]),
    ])

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.file("sample.vlms")
    try sample.write(to: path, overwrite: false)
  }

  /// A file with a header of one's own and the right checksum.
  private func file(
    header: String, payload: [UInt8] = [], payloadSize: Int? = nil
  ) throws -> String {
    let header = Array(header.utf8)
    let preamble = StatePreamble(
      headerSize: header.count, payloadSize: payloadSize ?? payload.count)
    let bytes = preamble.encoded + header + payload
    return try directory.write(bytes + sha256(bytes).bytes, as: "own.vlms")
  }

  private func header(arrays: String) -> String {
    #"{"arrays":\#(arrays),"format":"vlms","model":"m","version":"1.0"}"#
  }

  @Test func `what is written is read, bit for bit, and the same again`() throws {
    let read = try StateFile(path: path)
    #expect(read == sample)
    #expect(
      read.arrays[0].values.map(\.bitPattern) == sample.arrays[0].values.map(\.bitPattern))
    let copy = directory.file("copy.vlms")
    try read.write(to: copy, overwrite: false)
    #expect(try contents(of: copy) == contents(of: path))
  }

  @Test func `the bytes are those of the specification`() throws {
    let bytes = try contents(of: path)
    let magic: [UInt8] = [0x89, 0x56, 0x4C, 0x4D, 0x53, 0x0D, 0x0A, 0x1A]
    #expect(Array(bytes.prefix(8)) == magic)
    #expect(Array(bytes[8..<16]) == [1, 0, 0, 0, 0, 0, 0, 0])
    let headerSize: UInt64 = LittleEndian.value(in: bytes, at: 16)
    let payloadSize: UInt64 = LittleEndian.value(in: bytes, at: 24)
    #expect(payloadSize == 28)
    #expect(bytes.count == 32 + Int(headerSize) + 28 + 32)
    #expect(Array(bytes.suffix(32)) == sha256(Array(bytes.dropLast(32))).bytes)
    #expect(Array(bytes.dropLast(32).suffix(4)) == [0, 0, 0xE0, 0x40])
  }

  @Test func `a file is replaced only on request`() throws {
    #expect(throws: FormatError.outputExists(file: path)) {
      try sample.write(to: path, overwrite: false)
    }
    try sample.write(to: path, overwrite: true)
    #expect(try directory.names == ["sample.vlms"])
  }

  @Test func `a change of any byte is refused`() throws {
    let bytes = try contents(of: path)
    for position in bytes.indices {
      for change: UInt8 in [1, 0x80, 0xFF] {
        var changed = bytes
        changed[position] ^= change
        let other = try directory.write(changed, as: "changed.vlms")
        let error = #expect(throws: FormatError.self, "byte \(position)") {
          try StateFile(path: other)
        }
        // What follows the preamble is protected by the checksum alone.
        if position >= StatePreamble.byteCount {
          #expect(error == .hashMismatch(file: other, item: "the state", offset: 0))
        }
      }
    }
  }

  @Test func `every cut and every byte added is refused`() throws {
    let bytes = try contents(of: path)
    for count in 0..<bytes.count {
      let other = try directory.write(Array(bytes.prefix(count)), as: "cut.vlms")
      let error = #expect(throws: FormatError.self, "\(count) bytes") { try StateFile(path: other) }
      #expect(error?.kind == .badInput)
      if count < 8 { #expect(error == .notState(file: other)) }
    }
    let longer = try directory.write(bytes + [0], as: "longer.vlms")
    #expect(
      throws: FormatError.malformed(
        file: longer, item: "the file's size", found: "\(bytes.count + 1) bytes",
        expected: "\(bytes.count) bytes")
    ) { try StateFile(path: longer) }
  }

  @Test(arguments: [
    (8, [2, 0], "the version", "2.0", "1.0"), (10, [1, 0], "the version", "1.1", "1.0"),
    (12, [0, 1], "flags", "256", "0"),
  ])
  func `another version or a flag is refused by name`(
    position: Int, bytes: [UInt8], item: String, found: String, expected: String
  ) throws {
    var changed = try contents(of: path)
    changed.replaceSubrange(position..<position + bytes.count, with: bytes)
    let other = try directory.write(changed, as: "other.vlms")
    #expect(
      throws: FormatError.malformed(file: other, item: item, found: found, expected: expected)
    ) { try StateFile(path: other) }
  }

  @Test(arguments: [(16, "the header", 16 << 20), (24, "the payload", 1 << 32)])
  func `sizes have limits`(position: Int, item: String, limit: Int) throws {
    for size in [UInt64(limit) + 1, .max] {
      var changed = try contents(of: path)
      changed.replaceSubrange(position..<position + 8, with: size.littleEndianBytes)
      let other = try directory.write(changed, as: "other.vlms")
      #expect(
        throws: FormatError.tooLarge(file: other, item: item, found: size, limit: UInt64(limit))
      ) { try StateFile(path: other) }
    }
  }

  @Test(arguments: [
    #"[{"name":"a"}]"#, #"[{"shape":[1]}]"#, #"[{"name":"a","shape":[-1]}]"#,
    #"[{"name":"a","shape":[0.5]}]"#, #"[{"name":"a","shape":1}]"#, #"[{"name":"","shape":[1]}]"#,
    #"[{"name":"a","shape":[2]}]"#, #"[{"name":"a","shape":[0]}]"#, "[]", "{}",
    #"[{"name":"a","shape":[9223372036854775807,9223372036854775807,0]}]"#,
    #"[{"name":"a","shape":[4611686018427387904,4]}]"#,
    #"[{"name":"a","shape":[9223372036854775807]}]"#,
    #"[{"name":"a","shape":[0]},{"name":"a","shape":[1]}]"#,
  ])
  func `arrays that do not describe the payload are refused`(arrays: String) throws {
    let other = try file(header: header(arrays: arrays), payload: [0, 0, 128, 63])
    let error = #expect(throws: FormatError.self) { try StateFile(path: other) }
    #expect(error?.kind == .badInput)
  }

  @Test func `more dimensions than accepted are refused`() throws {
    let other = try file(
      header: header(arrays: #"[{"name":"a","shape":[1,1,1,1,1,1,1,1,1]}]"#),
      payload: [0, 0, 0, 0])
    #expect(
      throws: FormatError.tooLarge(
        file: other, item: "the count of .arrays[0].shape", found: 9, limit: 8)
    ) { try StateFile(path: other) }
  }

  @Test func `a payload that is no whole number of floats is refused`() throws {
    let other = try file(
      header: header(arrays: #"[{"name":"a","shape":[1]}]"#), payload: [0, 0, 0, 0, 0])
    #expect(
      throws: FormatError.malformed(
        file: other, item: "the payload", found: "5 bytes",
        expected: "4 bytes, the size of its arrays")
    ) { try StateFile(path: other) }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func `numbers that are not finite are refused`(value: Float) throws {
    let other = try file(
      header: header(arrays: #"[{"name":"a","shape":[2]}]"#),
      payload: [0, 0, 0, 0] + value.bitPattern.littleEndianBytes)
    #expect(
      throws: FormatError.malformed(
        file: other, item: "a", found: "not finite everywhere", expected: "finite numbers")
    ) { try StateFile(path: other) }
  }

  @Test(arguments: [
    "", "[]", "{", #"{"arrays":[],"format":"vlms","model":"m"}"#,
    #"{"arrays":[],"format":"vlmp","model":"m","version":"1.0"}"#,
    #"{"arrays":[],"format":"vlms","model":"","version":"1.0"}"#,
    #"{"arrays":[],"format":"vlms","version":"1.0"}"#,
    #"{"format":"vlms","model":"m","version":"1.0"}"#,
  ])
  func `a header that says something else is refused`(header: String) throws {
    let other = try file(header: header)
    let error = #expect(throws: FormatError.self) { try StateFile(path: other) }
    #expect(error?.kind == .badInput)
  }
}
