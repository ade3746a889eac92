/// A file that gets its name only when it is complete.
///
/// The bytes go to a file with an unpredictable temporary name in the same directory. `publish()`
/// makes them durable and gives them their name in one step; without it nothing remains.
public final class AtomicFile {
  /// The name the file will have.
  public let path: String
  /// Where the bytes are until then.
  public let temporaryPath: String
  /// The size so far.
  public private(set) var byteCount = 0
  private let overwrite: Bool
  private let directory: String
  private var descriptor: Int32?

  /// Creates the temporary file.
  ///
  /// - Parameter overwrite: whether a file of that name may be replaced.
  /// - Throws: `outputExists` or `cannotCreate`.
  public init(path: String, overwrite: Bool) throws(FormatError) {
    directory = Self.directory(of: path)
    var generator = SystemRandomNumberGenerator()
    let suffix = String(generator.next() as UInt64, radix: 36)
    temporaryPath = "\(directory)/.unfinished-\(suffix)"
    self.path = path
    self.overwrite = overwrite
    if SystemCalls.isDirectory(path) {
      throw .cannotCreate(file: path, reason: "it is a directory")
    }
    if !overwrite, SystemCalls.exists(path) { throw .outputExists(file: path) }
    do {
      descriptor = try SystemCalls.createExclusively(temporaryPath)
    } catch {
      throw .cannotCreate(file: path, reason: error.reason)
    }
  }

  deinit { discard() }

  /// Adds bytes at the end.
  ///
  /// - Precondition: neither `publish()` nor `discard()` was called.
  public func append(_ bytes: [UInt8]) throws(FormatError) {
    try write(bytes, at: byteCount)
  }

  /// Replaces bytes, or adds those that lie beyond the end.
  ///
  /// - Precondition: neither `publish()` nor `discard()` was called, and `offset` is not beyond the
  ///   end.
  public func write(_ bytes: [UInt8], at offset: Int) throws(FormatError) {
    precondition(offset >= 0 && offset <= byteCount)
    try perform { descriptor throws(SystemError) in
      try unsafe SystemCalls.write(bytes.span.bytes, to: descriptor, at: offset)
    }
    byteCount = max(byteCount, offset + bytes.count)
  }

  /// Cuts the file off.
  ///
  /// - Precondition: neither `publish()` nor `discard()` was called, and `size` is not beyond the
  ///   end.
  public func truncate(to size: Int) throws(FormatError) {
    precondition(size >= 0 && size <= byteCount)
    try perform { descriptor throws(SystemError) in
      try SystemCalls.truncate(descriptor, to: size)
    }
    byteCount = size
  }

  /// Makes the bytes durable and gives the file its name. The file is closed afterwards.
  ///
  /// - Throws: `outputExists` if a file of that name has come into being meanwhile and must not be
  ///   replaced.
  /// - Precondition: neither `publish()` nor `discard()` was called.
  public func publish() throws(FormatError) {
    try perform(SystemCalls.synchronize)
    do {
      try overwrite
        ? SystemCalls.rename(temporaryPath, to: path)
        : SystemCalls.renameWithoutReplacing(temporaryPath, to: path)
    } catch {
      discard()
      throw error.isNameTaken
        ? .outputExists(file: path) : .cannotCreate(file: path, reason: error.reason)
    }
    close()
    do { try SystemCalls.synchronizeDirectory(directory) } catch {
      throw .writeFailed(file: path, reason: error.reason)
    }
  }

  /// Removes the temporary file; does nothing after `publish()`.
  public func discard() {
    guard descriptor != nil else { return }
    close()
    SystemCalls.remove(temporaryPath)
  }

  /// The directory that a path lies in.
  static func directory(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private func close() {
    if let descriptor { SystemCalls.close(descriptor) }
    descriptor = nil
  }

  private func perform(_ call: (Int32) throws(SystemError) -> Void) throws(FormatError) {
    guard let descriptor else { preconditionFailure("the file is published or discarded") }
    do { try call(descriptor) } catch { throw .writeFailed(file: path, reason: error.reason) }
  }
}
