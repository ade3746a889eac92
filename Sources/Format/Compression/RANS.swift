import CKernels

/// Bytes coded one by one to about their order-0 entropy with range asymmetric numeral systems (Duda,
/// arXiv:1311.2540); docs/format.md defines the stream.
enum RANS {
  /// One stream, or nothing if there are no bytes.
  static func compress(_ bytes: [UInt8]) -> [UInt8]? {
    guard !bytes.isEmpty else { return nil }
    return unsafe [UInt8](unsafeUninitializedCapacity: vk_rans_bound(bytes.count)) {
      buffer, count in
      count = unsafe buffer.baseAddress.map { unsafe vk_rans_encode($0, bytes, bytes.count) } ?? 0
    }
  }

  /// The content, if these bytes are one stream of exactly that many.
  static func decompress(_ stream: RawSpan, length: Int) -> [UInt8]? {
    guard length > 0, !stream.isEmpty else { return nil }
    var succeeded = false
    let content = unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      unsafe stream.withUnsafeBytes { source in
        guard let out = buffer.baseAddress, let start = source.baseAddress else { return }
        let bytes = unsafe start.assumingMemoryBound(to: UInt8.self)
        succeeded = unsafe vk_rans_decode(out, length, bytes, source.count) == 1
      }
      // What a broken stream has left unwritten is not passed on.
      count = succeeded ? length : 0
    }
    return succeeded ? content : nil
  }
}
