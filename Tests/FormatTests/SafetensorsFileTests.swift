import Testing

@testable import Format

@Suite struct SafetensorsFileTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ header: String, data: [UInt8] = []) throws -> String {
    let text = Array(header.utf8)
    return try directory.write(UInt64(text.count).littleEndianBytes + text + data)
  }

  @Test func `tensors and metadata are found`() throws {
    let path = try write(
      #"{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[2,10]},"#
        + #""a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"#
        + #""e":{"dtype":"U8","shape":[3,0],"data_offsets":[10,10]},"#
        + #""s":{"dtype":"U8","shape":[],"data_offsets":[10,11]}}  "#,
      data: [1, 2, 0, 0, 128, 63, 0, 0, 0, 192, 9])
    let file = try SafetensorsFile(path: path)
    #expect(file.metadata == ["format": "pt"])
    #expect(file.tensors.count == 4)
    let a = try #require(file.tensors["a"])
    let b = try #require(file.tensors["b"])
    let scalar = try #require(file.tensors["s"])
    #expect(a.shape == [2] && a.dataType == .i8 && a.byteRange.count == 2)
    #expect(b.elementCount == 2 && scalar.elementCount == 1)
    #expect(file.tensors["e"]?.elementCount == 0)
    #expect(try file.bytes(of: a) == [1, 2])
    #expect(try file.bytes(of: a, elements: 1..<2) == [2])
    #expect(try file.floats(of: b) == [1, -2])
    #expect(try file.floats(of: b, elements: 1..<2) == [-2])
    #expect(try file.integers(of: scalar) == [9])
  }

  @Test func `a file of nothing but an empty header is read`() throws {
    #expect(try SafetensorsFile(path: write("{}")).tensors.isEmpty)
  }

  static let badHeaders: [(String, Int, String, String, String)] = [
    ("[]", 0, "the header", "another value", "a JSON object"),
    ("{\"__metadata__\":1}", 0, "__metadata__", "1", "an object"),
    ("{\"__metadata__\":{\"a\":1}}", 0, "“a” of __metadata__", "1", "a text"),
    (
      #"{"t":{"dtype":"U8","shape":[1]}}"#, 1, "tensor t", #"{"dtype":"U8","shape":[1]}"#,
      "an object of dtype, shape and data_offsets"
    ),
    ("{\"t\":3}", 1, "tensor t", "3", "an object of dtype, shape and data_offsets"),
    (
      #"{"t":{"dtype":"Q8","shape":[1],"data_offsets":[0,1]}}"#, 1, "dtype of tensor t", #""Q8""#,
      "a known element type"
    ),
    (
      #"{"t":{"d":"U8","shape":[1],"data_offsets":[0,1]}}"#, 1, "dtype of tensor t", "missing",
      "a known element type"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#, 1, "shape of tensor t", "[-1]",
      "sizes whose product fits 63 bits"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}"#, 1, "shape of tensor t", "[1.0]",
      "sizes whose product fits 63 bits"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,1]}}"#, 1,
      "shape of tensor t", "[4294967296,4294967296]", "sizes whose product fits 63 bits"
    ),
    (
      #"{"t":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,1]}}"#, 1, "tensor t",
      "1 bytes", "64 bits for each of 2305843009213693952 elements"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}"#, 1, "data_offsets of tensor t",
      "[1,0]", "two rising offsets of at most 1"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, 1, "data_offsets of tensor t",
      "[0,2]", "two rising offsets of at most 1"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,9223372036854775807]}}"#, 1,
      "data_offsets of tensor t", "[0,9223372036854775807]", "two rising offsets of at most 1"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[1],"data_offsets":[0]}}"#, 1, "data_offsets of tensor t",
      "[0]", "two rising offsets of at most 1"
    ),
    (
      #"{"t":{"dtype":"F16","shape":[1],"data_offsets":[0,1]}}"#, 1, "tensor t", "1 bytes",
      "16 bits for each of 1 elements"
    ),
    (
      #"{"t":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#, 2, "tensor t", "2 bytes",
      "4 bits for each of 3 elements"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, 2, "the first byte of tensor t",
      "at offset 1", "at offset 0, where the tensor before it ends"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
        + #""u":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, 3,
      "the first byte of tensor u", "at offset 1", "at offset 2, where the tensor before it ends"
    ),
    (
      #"{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 2, "the data section", "2 bytes",
      "1, where the last tensor ends"
    ),
    ("{}", 1, "the data section", "1 bytes", "0, where the last tensor ends"),
  ]

  @Test(arguments: badHeaders)
  func `a header that breaks the format is refused with its part`(
    header: String, dataCount: Int, item: String, found: String, expected: String
  ) throws {
    let path = try write(header, data: [UInt8](repeating: 0, count: dataCount))
    #expect(
      throws: FormatError.malformed(file: path, item: item, found: found, expected: expected)
    ) { try SafetensorsFile(path: path) }
  }

  @Test func `a name that appears twice is refused`() throws {
    let tensor = #"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#
    let path = try write("{\"t\":\(tensor),\"t\":\(tensor)}")
    #expect(
      throws: FormatError.malformedJSON(file: path, .repeatedKey("t", atByte: 53))
    ) { try SafetensorsFile(path: path) }
  }

  @Test(arguments: [0, 1, 7])
  func `a file shorter than the length is refused`(count: Int) throws {
    let path = try directory.write([UInt8](repeating: 0, count: count))
    #expect(throws: FormatError.outsideFile(file: path, bytes: 0..<8, fileSize: count)) {
      try SafetensorsFile(path: path)
    }
  }

  @Test func `a header longer than the file is refused`() throws {
    let path = try directory.write(UInt64(3).littleEndianBytes + [0x7B, 0x7D])
    #expect(throws: FormatError.outsideFile(file: path, bytes: 8..<11, fileSize: 10)) {
      try SafetensorsFile(path: path)
    }
  }

  @Test(arguments: [100_000_001, UInt64(Int.max) + 1, .max])
  func `a header over the limit is refused`(length: UInt64) throws {
    let path = try directory.write(length.littleEndianBytes)
    let error = FormatError.tooLarge(
      file: path, item: "the header's length", found: length, limit: 100_000_000)
    #expect(throws: error) { try SafetensorsFile(path: path) }
    #expect(error.kind == .limitExceeded)
  }

  @Test func `every cut of a file is refused`() throws {
    let whole = try contents(
      of: write(
        #"{"t":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}"#, data: [1, 2, 3, 4]))
    for count in whole.indices {
      let path = try directory.write(Array(whole[..<count]), as: "cut")
      #expect(throws: FormatError.self) { try SafetensorsFile(path: path) }
    }
  }

  @Test func `damaged headers are refused or read, and nothing traps`() throws {
    let whole = try contents(
      of: write(
        #"{"t":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"#
          + #""u":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}"#,
        data: [UInt8](repeating: 1, count: 11)))
    var refused = 0
    for (position, change) in zip(whole.indices, noise(whole.count)) {
      var damaged = whole
      damaged[position] ^= change | 1
      let path = try directory.write(damaged, as: "damaged")
      do throws(FormatError) {
        let file = try SafetensorsFile(path: path)
        for tensor in file.tensors.values {
          #expect(try file.bytes(of: tensor).count == tensor.byteRange.count)
        }
      } catch { refused += 1 }
    }
    #expect(refused > 90)
  }
}
