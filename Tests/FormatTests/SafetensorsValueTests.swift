import Testing

@testable import Format

@Suite struct SafetensorsValueTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A file with one tensor.
  private func file(
    _ type: DataType, _ bytes: [UInt8]
  ) throws -> (SafetensorsFile, TensorInfo) {
    let path = directory.file("values-\(type.rawValue)")
    var writer = try SafetensorsWriter(
      path: path, tensors: [("t", type, [bytes.count * 8 / type.bitWidth])], metadata: [:],
      overwrite: true)
    try writer.append(bytes)
    try writer.publish()
    let file = try SafetensorsFile(path: path)
    return (file, try #require(file.tensors["t"]))
  }

  @Test func `every half has the value of the standard's`() throws {
    let (file, tensor) = try file(.f16, (0...UInt16.max).flatMap(\.littleEndianBytes))
    for (bits, value) in zip(0...UInt16.max, try file.floats(of: tensor)) {
      let expected = Float(Float16(bitPattern: bits))
      #expect(value.bitPattern == expected.bitPattern || value.isNaN && expected.isNaN)
    }
  }

  @Test func `a brain float is the upper half of a single`() throws {
    let bits: [UInt16] = [0, 0x8000, 0x3F80, 0xC040, 0x0001, 0x7F80, 0x7F7F]
    let (file, tensor) = try file(.bf16, bits.flatMap(\.littleEndianBytes))
    #expect(
      try file.floats(of: tensor).map(\.bitPattern) == bits.map { UInt32($0) << 16 })
  }

  @Test(arguments: [DataType.f16, .bf16])
  func `numbers may lie at odd bytes`(type: DataType) throws {
    let path = directory.file("odd")
    var writer = try SafetensorsWriter(
      path: path, tensors: [("a", .u8, [1]), ("b", type, [19])], metadata: [:], overwrite: true)
    let half: UInt16 = type == .f16 ? 0x3E00 : 0x3FC0
    try writer.append([7])
    try writer.append((0..<19).flatMap { _ in half.littleEndianBytes })
    try writer.publish()
    let file = try SafetensorsFile(path: path)
    let tensor = try #require(file.tensors["b"])
    #expect(tensor.byteRange.lowerBound % 2 == 1)
    #expect(try file.floats(of: tensor) == [Float](repeating: 1.5, count: 19))
    #expect(try file.floats(of: tensor, elements: 3..<5) == [1.5, 1.5])
  }

  @Test func `doubles are rounded to singles`() throws {
    let values: [Double] = [0, -0.0, 1.5, 0.1, 0x1p-1063, -3.4e38, .infinity, -.infinity]
    let (file, tensor) = try file(.f64, values.flatMap(\.bitPattern.littleEndianBytes))
    #expect(try file.floats(of: tensor) == values.map(Float.init))
    #expect(try file.floats(of: tensor, elements: 2..<4) == [1.5, 0.1])
  }

  @Test func `a finite double beyond single precision is refused`() throws {
    let (file, tensor) = try file(.f64, [1.0, 1e39].flatMap(\.bitPattern.littleEndianBytes))
    let error = FormatError.notRepresentable(
      file: file.path, tensor: "t", element: 1, expected: "single precision")
    #expect(throws: error) { try file.floats(of: tensor) }
    #expect(throws: error) { try file.floats(of: tensor, elements: 1..<2) }
  }

  static let integers: [(DataType, [UInt8], [Int])] = [
    (.i8, [0xFF, 0x7F], [-1, 127]), (.u8, [0xFF, 0x7F], [255, 127]),
    (.bool, [0, 1], [0, 1]),
    (.i16, [0xFE, 0xFF, 0, 1], [-2, 256]), (.u16, [0xFE, 0xFF], [65534]),
    (.i32, [0, 0, 0, 0x80], [-2_147_483_648]), (.u32, [0, 0, 0, 0x80], [2_147_483_648]),
    (.i64, Int64.min.littleEndianBytes, [.min]),
    (.u64, UInt64(Int.max).littleEndianBytes, [.max]),
  ]

  @Test(arguments: integers)
  func `integers of every width are read`(
    type: DataType, bytes: [UInt8], expected: [Int]
  ) throws {
    let (file, tensor) = try file(type, bytes)
    #expect(try file.integers(of: tensor) == expected)
  }

  @Test func `an integer of 64 bits is refused`() throws {
    let (file, tensor) = try file(.u64, UInt64.max.littleEndianBytes)
    #expect(
      throws: FormatError.notRepresentable(
        file: file.path, tensor: "t", element: 0, expected: "63 bits")
    ) { try file.integers(of: tensor) }
  }

  @Test func `a truth value other than 0 and 1 is refused`() throws {
    let (file, tensor) = try file(.bool, [1, 0, 2])
    #expect(
      throws: FormatError.notRepresentable(
        file: file.path, tensor: "t", element: 2, expected: "a truth value")
    ) { try file.integers(of: tensor) }
  }

  @Test(arguments: DataType.allCases)
  func `values are read as floats or as integers or refused by name`(type: DataType) throws {
    let (file, tensor) = try file(type, [UInt8](repeating: 0, count: 24))
    let isFloat = [.f16, .bf16, .f32, .f64].contains(type)
    let integers: [DataType] = [.bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64]
    if isFloat {
      #expect(try file.floats(of: tensor).count == tensor.elementCount)
    } else {
      #expect(
        throws: FormatError.wrongDataType(
          file: file.path, tensor: "t", found: type, expected: "F32, F16, BF16 or F64")
      ) { try file.floats(of: tensor) }
    }
    if integers.contains(type) {
      #expect(try file.integers(of: tensor).count == tensor.elementCount)
    } else {
      #expect(
        throws: FormatError.wrongDataType(
          file: file.path, tensor: "t", found: type, expected: "an integer type")
      ) { try file.integers(of: tensor) }
    }
  }

  @Test(arguments: [0..<5, -1..<2, 5..<5, 0..<Int.max])
  func `elements that the tensor does not have are refused`(elements: Range<Int>) throws {
    let (file, tensor) = try file(.f32, [UInt8](repeating: 0, count: 16))
    #expect(
      throws: FormatError.outsideTensor(
        file: file.path, tensor: "t", elements: elements, count: 4)
    ) { try file.floats(of: tensor, elements: elements) }
  }

  @Test func `elements narrower than a byte begin and end on one`() throws {
    let (file, tensor) = try file(.f4, [0x21, 0x43])
    #expect(try file.bytes(of: tensor, elements: 2..<4) == [0x43])
    #expect(
      throws: FormatError.wrongDataType(
        file: file.path, tensor: "t", found: .f4,
        expected: "elements that begin and end on a byte")
    ) { try file.bytes(of: tensor, elements: 1..<2) }
  }
}
