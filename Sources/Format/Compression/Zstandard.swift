import CZstd

/// Zstandard frames (RFC 8878).
enum Zstandard {
  /// How likely it is that bytes which occurred before occur again.
  enum Matches {
    /// As in text.
    case usual
    /// As in codes of weights, which are as good as independent of each other. A match found in them is chance, and
    /// costs more than the entropy of what it stands for; the search is made so poor that it finds none but long runs.
    case rare
  }

  /// One frame that states its content size, or nothing if the library is out of memory.
  static func compress(_ bytes: [UInt8], matches: Matches = .usual) -> [UInt8]? {
    guard let context = unsafe ZSTD_createCCtx() else { return nil }
    defer { unsafe ZSTD_freeCCtx(context) }
    for (parameter, value) in parameters(matches) {
      guard unsafe ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0 else {
        return nil
      }
    }
    let capacity = ZSTD_compressBound(bytes.count)
    var succeeded = false
    let frame = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      let size = unsafe ZSTD_compress2(
        context, buffer.baseAddress, capacity, bytes, bytes.count)
      succeeded = ZSTD_isError(size) == 0
      count = succeeded ? size : 0
    }
    return succeeded ? frame : nil
  }

  private static func parameters(_ matches: Matches) -> [(ZSTD_cParameter, Int32)] {
    let level = [(ZSTD_c_compressionLevel, Codec.zstandardLevel)]
    return switch matches {
    case .usual: level
    case .rare: level + [(ZSTD_c_strategy, 1), (ZSTD_c_minMatch, 7), (ZSTD_c_hashLog, 6)]
    }
  }

  /// The content size that the frame states, or nothing if it states none or fills not exactly
  /// these bytes.
  static func statedLength(of frame: RawSpan) -> UInt64? {
    unsafe frame.withUnsafeBytes { source in
      guard unsafe ZSTD_findFrameCompressedSize(source.baseAddress, source.count) == source.count
      else { return nil }
      let length = unsafe ZSTD_getFrameContentSize(source.baseAddress, source.count)
      // The two largest values mean “unknown” and “no frame”.
      return length < .max - 1 ? length : nil
    }
  }

  /// The content, if these bytes are one frame of exactly that content size.
  static func decompress(_ frame: RawSpan, length: Int) -> [UInt8]? {
    guard statedLength(of: frame) == UInt64(length) else { return nil }
    var succeeded = false
    let content = unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      let size = unsafe frame.withUnsafeBytes { source in
        unsafe ZSTD_decompress(buffer.baseAddress, length, source.baseAddress, source.count)
      }
      succeeded = ZSTD_isError(size) == 0 && size == length
      count = succeeded ? length : 0
    }
    return succeeded ? content : nil
  }
}
