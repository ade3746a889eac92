import Glibc

/// The bytes of a regular file, mapped into memory for reading.
///
/// Every access is checked against the size the file had when it was opened. A file that another
/// program shortens while it is mapped ends the process with a bus error; the operating system
/// offers no check for that.
@safe public final class MappedFile: @unchecked Sendable {
  /// The path as given.
  public let path: String
  /// The size in bytes.
  public let count: Int
  private let base: UnsafeRawPointer?

  /// Maps a file.
  ///
  /// - Throws: `cannotOpen`, `notRegularFile` or `readFailed`.
  public init(path: String) throws(FormatError) {
    do {
      let descriptor = try SystemCalls.openForReading(path)
      defer { SystemCalls.close(descriptor) }
      guard let size = try SystemCalls.regularFileSize(descriptor) else {
        throw FormatError.notRegularFile(file: path)
      }
      unsafe base = try Self.map(descriptor, count: size)
      count = size
      self.path = path
    } catch let error as FormatError {
      throw error
    } catch {
      let reason = (error as? SystemError)?.reason ?? String(describing: error)
      throw .cannotOpen(file: path, reason: reason)
    }
  }

  deinit {
    if let base = unsafe base { _ = unsafe munmap(UnsafeMutableRawPointer(mutating: base), count) }
  }

  private static func map(_ descriptor: Int32, count: Int) throws -> UnsafeRawPointer? {
    // Nothing can be mapped of an empty file.
    guard count > 0 else { return nil }
    let start = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else { throw SystemError.last }
    return UnsafeRawPointer(start)
  }

  /// A copy of some bytes.
  ///
  /// - Throws: `outsideFile` if the file does not have them.
  public func bytes(_ range: Range<Int>) throws(FormatError) -> [UInt8] {
    try withBytes(range) { span in LittleEndian.values(in: span) }
  }

  /// The text that a file is.
  ///
  /// - Throws: `malformed` if it is not UTF-8, and what opening and reading it throw.
  public static func text(path: String) throws(FormatError) -> String {
    let file = try MappedFile(path: path)
    guard let text = String(validating: try file.bytes(0..<file.count), as: UTF8.self) else {
      throw .malformed(
        file: path, item: "text", found: "bytes that are not well-formed", expected: "UTF-8")
    }
    return text
  }

  /// Lends all bytes in order, a piece at a time, so that only a piece is resident.
  func withPieces(_ body: (RawSpan) -> Void) throws(FormatError) {
    for start in stride(from: 0, to: count, by: Self.pieceSize) {
      let range = start..<min(start + Self.pieceSize, count)
      try withBytes(range) { bytes in body(bytes) }
    }
  }

  private static let pieceSize = 16 << 20
  private static let pageSize = 4096

  /// Takes the whole pages of a range out of this process; the system's cache keeps them.
  ///
  /// Files are larger than the memory that a conversion may take. Small ranges are not worth a system call.
  private func release(_ range: Range<Int>) {
    let first = (range.lowerBound + Self.pageSize - 1) / Self.pageSize * Self.pageSize
    let end = range.upperBound / Self.pageSize * Self.pageSize
    guard let base = unsafe base, end - first >= 64 * Self.pageSize else { return }
    _ = unsafe madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
  }

  /// Lends some bytes without copying them.
  ///
  /// - Throws: `outsideFile` if the file does not have them, or what `body` throws.
  public func withBytes<Result>(
    _ range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw .outsideFile(file: path, bytes: range, fileSize: count)
    }
    defer { release(range) }
    let whole = unsafe UnsafeRawBufferPointer(start: base, count: count)
    return try body(unsafe RawSpan(_unsafeBytes: whole).extracting(range))
  }
}
