/// A safetensors file, checked completely when it is opened.
///
/// Layout: the header's length as 8 bytes, little-endian; the header, a JSON object that maps each
/// tensor's name to its `dtype`, `shape` and `data_offsets`; the tensors' bytes without a gap. See
/// https://github.com/huggingface/safetensors.
public struct SafetensorsFile: Sendable {
  /// The longest header that is accepted, the limit of the original implementation.
  public static let headerLimit = 100_000_000

  /// The path as given.
  public let path: String
  /// All tensors by name.
  public let tensors: [ExactString: TensorInfo]
  /// The file's own remarks.
  public let metadata: [String: String]
  let file: MappedFile

  /// Opens a file and checks its header.
  ///
  /// - Throws: what is wrong with the file or its header.
  public init(path: String) throws(FormatError) {
    let file = try MappedFile(path: path)
    let header = try Self.headerRange(of: file)
    let json: JSON
    do { json = try JSON(parsing: file.bytes(header)) } catch let error as JSONError {
      throw .malformedJSON(file: path, error)
    } catch let error as FormatError {
      throw error
    } catch {
      throw .readFailed(file: path, reason: String(describing: error))
    }
    let contents = try SafetensorsHeader(json, path: path, data: header.upperBound..<file.count)
    self.path = path
    self.file = file
    tensors = contents.tensors
    metadata = contents.metadata
  }

  private static func headerRange(of file: MappedFile) throws(FormatError) -> Range<Int> {
    let prefix: UInt64 = LittleEndian.value(in: try file.bytes(0..<8), at: 0)
    guard let length = Int(exactly: prefix), length <= headerLimit else {
      throw .tooLarge(
        file: file.path, item: "the header's length", found: prefix, limit: UInt64(headerLimit))
    }
    guard 8 + length <= file.count else {
      throw .outsideFile(file: file.path, bytes: 8..<8 + length, fileSize: file.count)
    }
    return 8..<8 + length
  }
}
