/// Integers in the byte order of both file formats.
enum LittleEndian {
  /// All values that fill the bytes; a rest shorter than one value is left out.
  static func values<Value: FixedWidthInteger & BitwiseCopyable>(
    in bytes: RawSpan, as type: Value.Type = Value.self
  ) -> [Value] {
    map(bytes) { (value: Value) in value }
  }

  /// What `convert` makes of them, in one pass.
  @inline(__always)
  static func map<Value: FixedWidthInteger & BitwiseCopyable, Result>(
    _ bytes: RawSpan, _ convert: (Value) -> Result
  ) -> [Result] {
    let width = MemoryLayout<Value>.size
    let count = bytes.byteCount / width
    return unsafe [Result](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe bytes.withUnsafeBytes { source in
        for index in 0..<count {
          let value = unsafe source.loadUnaligned(fromByteOffset: index * width, as: Value.self)
          unsafe buffer.initializeElement(at: index, to: convert(Value(littleEndian: value)))
        }
      }
      initialized = count
    }
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
