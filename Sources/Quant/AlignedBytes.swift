import Foundation

/// Bytes that kernels read: aligned to a cache line, written once, then shared.
@safe final class AlignedBytes: @unchecked Sendable {
  /// Bytes of a cache line.
  private static let alignment = 64
  /// From this size on huge pages are asked for: a matrix is read from end to end for every token.
  private static let hugePage = 1 << 21

  let start: UnsafeMutableRawPointer
  let count: Int

  /// Takes memory that is not touched yet.
  init(count: Int) {
    self.count = count
    // Kernels may ask for what lies a little behind the end; an empty plane has an address too.
    let isLarge = count >= Self.hugePage
    let alignment = isLarge ? Self.hugePage : Self.alignment
    unsafe start = .allocate(byteCount: max(count, 1), alignment: alignment)
    if isLarge { unsafe madvise(start, count, 14 /* MADV_HUGEPAGE */) }
  }

  /// A copy of some bytes.
  ///
  /// - Precondition: `other` has them.
  convenience init(_ other: AlignedBytes, from offset: Int, count: Int) {
    precondition(offset >= 0 && count >= 0 && offset + count <= other.count, "no such bytes")
    self.init(count: count)
    unsafe start.copyMemory(from: other.start + offset, byteCount: count)
  }

  deinit { unsafe start.deallocate() }

  /// Calls `body` with the bytes.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    unsafe body(UnsafeRawBufferPointer(start: start, count: count))
  }
}
