import CKernels

extension SafetensorsFile {
  /// The bytes of some elements, or of all.
  ///
  /// - Throws: `outsideTensor` if the tensor does not have the elements; `wrongDataType` if
  ///   elements narrower than a byte do not begin and end on one.
  public func bytes(
    of tensor: TensorInfo, elements: Range<Int>? = nil
  ) throws(FormatError) -> [UInt8] {
    try file.bytes(byteRange(of: tensor, elements: elements))
  }

  /// Some elements, or all, of a floating-point tensor (`F32`, `F16`, `BF16`, `F64`) as single
  /// precision.
  ///
  /// - Throws: `wrongDataType` for other types; `notRepresentable` if a finite `F64` is too large;
  ///   `outsideTensor`.
  public func floats(
    of tensor: TensorInfo, elements: Range<Int>? = nil
  ) throws(FormatError) -> [Float] {
    let range = try byteRange(of: tensor, elements: elements)
    switch tensor.dataType {
    case .f32:
      return try file.withBytes(range) { LittleEndian.map($0) { Float(bitPattern: $0) } }
    case .f16:
      return try file.withBytes(range) { unsafe widened($0, vk_widen_f16) }
    case .bf16:
      return try file.withBytes(range) { unsafe widened($0, vk_widen_bf16) }
    case .f64: return try narrowed(range, of: tensor, first: elements?.lowerBound ?? 0)
    default:
      throw .wrongDataType(
        file: path, tensor: tensor.name, found: tensor.dataType, expected: "F32, F16, BF16 or F64")
    }
  }

  /// All elements of an `F64` tensor.
  ///
  /// - Throws: `wrongDataType` for other types.
  public func doubles(of tensor: TensorInfo) throws(FormatError) -> [Double] {
    guard tensor.dataType == .f64 else {
      throw .wrongDataType(
        file: path, tensor: tensor.name, found: tensor.dataType, expected: "F64")
    }
    return try file.withBytes(tensor.byteRange) { bytes in
      LittleEndian.map(bytes) { Double(bitPattern: $0) }
    }
  }

  /// All elements of an integer or `BOOL` tensor.
  ///
  /// - Throws: `wrongDataType` for other types; `notRepresentable` if a value exceeds 63 bits or a
  ///   `BOOL` is neither 0 nor 1.
  public func integers(of tensor: TensorInfo) throws(FormatError) -> [Int] {
    let range = try byteRange(of: tensor, elements: nil)
    switch tensor.dataType {
    case .i8: return try integers(of: tensor, range, as: Int8.self)
    case .u8: return try integers(of: tensor, range, as: UInt8.self)
    case .i16: return try integers(of: tensor, range, as: Int16.self)
    case .u16: return try integers(of: tensor, range, as: UInt16.self)
    case .i32: return try integers(of: tensor, range, as: Int32.self)
    case .u32: return try integers(of: tensor, range, as: UInt32.self)
    case .i64: return try integers(of: tensor, range, as: Int64.self)
    case .u64: return try integers(of: tensor, range, as: UInt64.self)
    case .bool:
      let bytes = try integers(of: tensor, range, as: UInt8.self)
      if let element = bytes.firstIndex(where: { $0 > 1 }) {
        throw .notRepresentable(
          file: path, tensor: tensor.name, element: element, expected: "a truth value")
      }
      return bytes
    default:
      throw .wrongDataType(
        file: path, tensor: tensor.name, found: tensor.dataType, expected: "an integer type")
    }
  }

  private func byteRange(
    of tensor: TensorInfo, elements: Range<Int>?
  ) throws(FormatError) -> Range<Int> {
    guard let elements else { return tensor.byteRange }
    guard elements.lowerBound >= 0, elements.upperBound <= tensor.elementCount else {
      throw .outsideTensor(
        file: path, tensor: tensor.name, elements: elements, count: tensor.elementCount)
    }
    // The header's check has computed the bits of all elements without overflow.
    let width = tensor.dataType.bitWidth
    let (lower, upper) = (elements.lowerBound * width, elements.upperBound * width)
    guard lower.isMultiple(of: 8), upper.isMultiple(of: 8) else {
      throw .wrongDataType(
        file: path, tensor: tensor.name, found: tensor.dataType,
        expected: "elements that begin and end on a byte")
    }
    let start = tensor.byteRange.lowerBound
    return start + lower / 8..<start + upper / 8
  }

  private func values<Value: FixedWidthInteger & BitwiseCopyable>(
    _ range: Range<Int>
  ) throws(FormatError) -> [Value] {
    try file.withBytes(range) { bytes in LittleEndian.values(in: bytes) }
  }

  private func widened(
    _ bytes: RawSpan, _ widen: (UnsafeMutablePointer<Float>, UnsafePointer<UInt16>, Int) -> Void
  ) -> [Float] {
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return [] }
      // Data of a file may begin at an odd byte.
      let isAligned = UInt(bitPattern: start).isMultiple(of: 2)
      let copy: [UInt16] = isAligned ? [] : LittleEndian.values(in: bytes)
      let count = source.count / 2
      return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
        guard let out = buffer.baseAddress else { return }
        if isAligned {
          unsafe widen(out, start.assumingMemoryBound(to: UInt16.self), count)
        } else {
          unsafe widen(out, copy, count)
        }
        initialized = count
      }
    }
  }

  private func narrowed(
    _ range: Range<Int>, of tensor: TensorInfo, first: Int
  ) throws(FormatError) -> [Float] {
    let doubles: [UInt64] = try values(range)
    var floats = [Float]()
    floats.reserveCapacity(doubles.count)
    for (position, bits) in doubles.enumerated() {
      let double = Double(bitPattern: bits)
      let float = Float(double)
      guard float.isFinite || !double.isFinite else {
        throw .notRepresentable(
          file: path, tensor: tensor.name, element: first + position, expected: "single precision")
      }
      floats.append(float)
    }
    return floats
  }

  private func integers<Value: FixedWidthInteger & BitwiseCopyable>(
    of tensor: TensorInfo, _ range: Range<Int>, as type: Value.Type
  ) throws(FormatError) -> [Int] {
    let values: [Value] = try values(range)
    var integers = [Int]()
    integers.reserveCapacity(values.count)
    for (element, value) in values.enumerated() {
      guard let integer = Int(exactly: value) else {
        throw .notRepresentable(
          file: path, tensor: tensor.name, element: element, expected: "63 bits")
      }
      integers.append(integer)
    }
    return integers
  }
}
