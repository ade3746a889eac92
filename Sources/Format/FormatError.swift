/// Why a file could not be read, written or believed.
///
/// `item` names the part concerned: a tensor, a plane, a block or a member of a header.
public enum FormatError: DescribedFailure, Equatable {
  /// The file does not exist or may not be read.
  case cannotOpen(file: String, reason: String)
  /// The path names a directory, a device or a pipe.
  case notRegularFile(file: String)
  /// The operating system failed to read an open file.
  case readFailed(file: String, reason: String)
  /// Bytes were asked for that the file does not have.
  case outsideFile(file: String, bytes: Range<Int>, fileSize: Int)

  /// The output exists and must not be replaced.
  case outputExists(file: String)
  /// The output cannot be created, for example because the directory is not writable.
  case cannotCreate(file: String, reason: String)
  /// Writing failed half-way, for example because the device is full.
  case writeFailed(file: String, reason: String)
  /// More or fewer bytes were given than announced.
  case wrongByteCount(file: String, item: String, found: Int, expected: Int)

  /// A part of the file breaks the format.
  case malformed(file: String, item: String, found: String, expected: String)
  /// A header is no acceptable JSON.
  case malformedJSON(file: String, JSONError)
  /// A part of the file is larger than what this program accepts.
  case tooLarge(file: String, item: String, found: UInt64, limit: UInt64)

  /// The tensor's values cannot be read as the numbers asked for.
  case wrongDataType(file: String, tensor: String, found: DataType, expected: String)
  /// One value does not fit the numbers asked for.
  case notRepresentable(file: String, tensor: String, element: Int, expected: String)
  /// Elements were asked for that the tensor does not have.
  case outsideTensor(file: String, tensor: String, elements: Range<Int>, count: Int)

  /// The file does not begin with the pack's magic number.
  case notPack(file: String)
  /// The file does not begin with the magic number of state files.
  case notState(file: String)
  /// The pack is of a version that this program does not know.
  case unsupportedVersion(file: String, found: String, expected: String)
  /// The bytes do not have the checksum that protects them.
  case hashMismatch(file: String, item: String, offset: Int)
  /// A block has the right checksum but does not decompress to what it should.
  case undecodable(file: String, item: String, offset: Int, expected: Int)

  /// What sort of failure this is.
  public var kind: FailureKind {
    switch self {
    case .cannotOpen, .notRegularFile: .missingInput
    case .readFailed, .writeFailed: .inputOutput
    case .outputExists, .cannotCreate: .cannotCreate
    case .tooLarge: .limitExceeded
    case .hashMismatch, .undecodable: .verification
    case .outsideFile, .wrongByteCount, .malformed, .malformedJSON, .wrongDataType,
      .notRepresentable, .outsideTensor, .notPack, .notState, .unsupportedVersion:
      .badInput
    }
  }

  /// One sentence in lower case, safe to print: control characters of the file are escaped.
  public var description: String { Self.printable(sentence) }

  private var sentence: String {
    switch self {
    case .cannotOpen(let file, let reason): "cannot open \(file): \(reason)"
    case .notRegularFile(let file): "\(file) is not a regular file"
    case .readFailed(let file, let reason): "reading \(file) failed: \(reason)"
    case .outsideFile(let file, let bytes, let size):
      "\(file) has \(size) bytes, but bytes \(bytes.lowerBound) to \(bytes.upperBound) are needed"
    case .outputExists(let file): "\(file) exists already"
    case .cannotCreate(let file, let reason): "cannot create \(file): \(reason)"
    case .writeFailed(let file, let reason): "writing \(file) failed: \(reason)"
    case .wrongByteCount(let file, let item, let found, let expected):
      "\(file): \(item) was given \(found) bytes, expected \(expected)"
    case .malformed(let file, let item, let found, let expected):
      "\(file): \(item) is \(Self.shortened(found)), expected \(expected)"
    case .malformedJSON(let file, let error): "\(file): \(error)"
    case .tooLarge(let file, let item, let found, let limit):
      "\(file): \(item) is \(found), the limit is \(limit)"
    case .wrongDataType(let file, let tensor, let found, let expected):
      "\(file): tensor \(tensor) is \(found.rawValue), expected \(expected)"
    case .notRepresentable(let file, let tensor, let element, let expected):
      "\(file): element \(element) of tensor \(tensor) does not fit \(expected)"
    case .outsideTensor(let file, let tensor, let elements, let count):
      "\(file): tensor \(tensor) has \(count) elements, but elements "
        + "\(elements.lowerBound) to \(elements.upperBound) are needed"
    case .notPack(let file): "\(file) is not a .vlmp file"
    case .notState(let file): "\(file) is not a state file"
    case .unsupportedVersion(let file, let found, let expected):
      "\(file): the pack's version is \(found), expected \(expected)"
    case .hashMismatch(let file, let item, let offset):
      "\(file): \(item) at byte \(offset) does not have its SHA-256 checksum"
    case .undecodable(let file, let item, let offset, let expected):
      "\(file): \(item) at byte \(offset) does not decompress to \(expected) bytes"
    }
  }

  private static func shortened(_ text: String) -> String {
    text.utf8.count <= 200 ? text : String(text.unicodeScalars.prefix(80)) + "…"
  }

  private static func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
      result += isControl ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return result
  }
}
