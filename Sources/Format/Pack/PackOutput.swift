/// Where the bytes of a pack go.
protocol PackOutput: AnyObject {
  /// The name the file will have, for messages.
  var path: String { get }
  /// Where the bytes are until then.
  var temporaryPath: String { get }
  /// The size so far.
  var byteCount: Int { get }

  /// Adds bytes at the end.
  func append(_ bytes: [UInt8]) throws(FormatError)
  /// Replaces bytes, or adds those that lie beyond the end.
  func write(_ bytes: [UInt8], at offset: Int) throws(FormatError)
  /// Cuts off what lies behind `size`.
  func truncate(to size: Int) throws(FormatError)
  /// Gives the file its name.
  func publish() throws(FormatError)
  /// Removes the file unless it has its name.
  func discard()
}

extension AtomicFile: PackOutput {}

/// A file that has a size only.
final class CountedOutput: PackOutput {
  let path = "the counted pack"
  let temporaryPath = ""
  private(set) var byteCount = 0

  func append(_ bytes: [UInt8]) { byteCount += bytes.count }
  func write(_ bytes: [UInt8], at offset: Int) { byteCount = max(byteCount, offset + bytes.count) }
  func truncate(to size: Int) { byteCount = size }
  func publish() { preconditionFailure("a pack that was only counted has no file") }
  func discard() {}
}
