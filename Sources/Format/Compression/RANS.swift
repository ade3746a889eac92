import CKernels

/// Bytes coded one by one to about their order-0 entropy with range asymmetric numeral systems (Duda,
/// arXiv:1311.2540); docs/format.md defines the stream.
enum RANS {
  /// One stream, or nothing if there are no bytes.
  static func compress(_ bytes: [UInt8]) -> [UInt8]? { compress(bytes, runs: [bytes.count]) }

  /// One stream of runs with frequencies of their own, or nothing if one of them is empty.
  ///
  /// - Precondition: the lengths of the runs add up to the number of bytes.
  static func compress(_ bytes: [UInt8], runs: [Int]) -> [UInt8]? {
    precondition(runs.reduce(0, +) == bytes.count)
    guard runs.allSatisfy({ $0 > 0 }) else { return nil }
    let bound = vk_rans_bound(bytes.count, runs.count)
    return unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      guard let out = buffer.baseAddress else { return }
      count = unsafe vk_rans_encode(out, bytes, runs, runs.count)
    }
  }

  /// The content, if these bytes are one stream of exactly that many.
  static func decompress(_ stream: RawSpan, length: Int) -> [UInt8]? {
    decompress(stream, runs: [length])
  }

  /// The content, if these bytes are one stream of runs of exactly these lengths.
  static func decompress(_ stream: RawSpan, runs: [Int]) -> [UInt8]? {
    guard !stream.isEmpty, runs.allSatisfy({ $0 > 0 }) else { return nil }
    let length = runs.reduce(0, +)
    var succeeded = false
    let content = unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      unsafe stream.withUnsafeBytes { source in
        guard let out = buffer.baseAddress, let start = source.baseAddress else { return }
        let bytes = unsafe start.assumingMemoryBound(to: UInt8.self)
        succeeded = unsafe vk_rans_decode(out, runs, runs.count, bytes, source.count) == 1
      }
      // What a broken stream has left unwritten is not passed on.
      count = succeeded ? length : 0
    }
    return succeeded ? content : nil
  }
}
