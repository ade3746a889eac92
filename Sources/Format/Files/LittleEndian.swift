/// Integers in the byte order of both file formats.
enum LittleEndian {
  /// All values that fill the bytes; a rest shorter than one value is left out.
  static func values<Value: FixedWidthInteger & BitwiseCopyable>(
    in bytes: RawSpan, as type: Value.Type = Value.self
  ) -> [Value] {
    let count = bytes.byteCount / MemoryLayout<Value>.size
    let values = unsafe [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe bytes.withUnsafeBytes { source in
        let whole = unsafe UnsafeRawBufferPointer(
          rebasing: source.prefix(count * MemoryLayout<Value>.size))
        unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: whole)
      }
      initialized = count
    }
    return Value(littleEndian: 1) == 1 ? values : values.map(Value.init(littleEndian:))
  }

  /// The value that starts at a position.
  ///
  /// - Precondition: the bytes are there.
  static func value<Value: FixedWidthInteger & BitwiseCopyable>(
    in bytes: [UInt8], at position: Int, as type: Value.Type = Value.self
  ) -> Value {
    var value: Value = 0
    for index in (0..<MemoryLayout<Value>.size).reversed() {
      value = value << 8 | Value(truncatingIfNeeded: bytes[position + index])
    }
    return value
  }

  /// Appends a value.
  static func append<Value: FixedWidthInteger>(_ value: Value, to bytes: inout [UInt8]) {
    for index in 0..<MemoryLayout<Value>.size {
      bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index)))
    }
  }
}
