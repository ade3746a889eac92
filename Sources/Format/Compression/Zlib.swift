import CZlib

/// Zlib streams (RFC 1950).
enum Zlib {
  /// One stream, or nothing if the library is out of memory.
  ///
  /// Only Huffman coding is used: matches are rare in codes of weights and searching for them is
  /// slow.
  static func compress(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = unsafe z_stream()
    let started = unsafe deflateInit2_(
      &stream, Codec.zlibLevel, Z_DEFLATED, windowBits, 9, Z_HUFFMAN_ONLY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard started == Z_OK else { return nil }
    defer { _ = unsafe deflateEnd(&stream) }
    let capacity = Int(unsafe deflateBound(&stream, UInt(bytes.count)))
    return unsafe run(&stream, bytes.span.bytes, capacity: capacity, deflate)
  }

  /// The content, if these bytes are one stream of exactly that content size.
  static func decompress(_ bytes: RawSpan, length: Int) -> [UInt8]? {
    var stream = unsafe z_stream()
    let started = unsafe inflateInit2_(
      &stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard started == Z_OK else { return nil }
    defer { _ = unsafe inflateEnd(&stream) }
    let content = unsafe run(&stream, bytes, capacity: length, inflate)
    return content?.count == length ? content : nil
  }

  private static let windowBits: Int32 = 15

  /// Passes all bytes through the library in one step; nothing unless it takes them all and comes
  /// to the stream's end.
  private static func run(
    _ stream: inout z_stream, _ bytes: RawSpan, capacity: Int,
    _ step: (UnsafeMutablePointer<z_stream>, Int32) -> Int32
  ) -> [UInt8]? {
    guard let available = UInt32(exactly: bytes.byteCount), let room = UInt32(exactly: capacity)
    else { return nil }
    var isComplete = false
    let result = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      unsafe bytes.withUnsafeBytes { source in
        // The library only reads the input, although its field is not declared so.
        unsafe stream.next_in = UnsafeMutablePointer(
          mutating: source.assumingMemoryBound(to: UInt8.self).baseAddress)
        unsafe stream.avail_in = available
        unsafe stream.next_out = buffer.baseAddress
        unsafe stream.avail_out = room
        let isAtEnd = unsafe step(&stream, Z_FINISH) == Z_STREAM_END
        isComplete = unsafe isAtEnd && stream.avail_in == 0
        count = unsafe capacity - Int(stream.avail_out)
      }
    }
    return isComplete ? result : nil
  }
}
