public import Format

/// Why an image or the settings of an image processor were refused.
public enum ImageError: DescribedFailure, Equatable {
  /// A key of a preprocessor configuration does not have an acceptable value.
  case configuration(file: String, key: String, found: String, expected: String)
  /// The file breaks its own format, ends early, or uses what its decoder does not know.
  case corrupt(file: String, reason: String)
  /// The file is longer than what is accepted.
  case fileTooLarge(file: String, limit: Int)
  /// The number of pixel bytes does not fit the size of the image.
  case pixelCount(found: Int, width: Int, height: Int)
  /// A step of the preparation would make an image with more pixels than accepted.
  case preparedTooLarge(step: String, width: Int, height: Int, limit: Int)
  /// The image has more pixels, or a longer side, than accepted.
  case tooManyPixels(file: String, width: Int, height: Int)
  /// The first bytes belong to neither PNG nor JPEG.
  case unknownFormat(file: String)
  /// The file does not exist or cannot be read.
  case unreadable(file: String)

  /// How the program should exit.
  public var kind: FailureKind {
    switch self {
    case .configuration, .corrupt, .pixelCount, .unknownFormat: .badInput
    case .fileTooLarge, .preparedTooLarge, .tooManyPixels: .limitExceeded
    case .unreadable: .missingInput
    }
  }

  /// One sentence in lower case.
  public var description: String {
    switch self {
    case .configuration(let file, let key, let found, let expected):
      "“\(key)” of \(file) is \(found), expected \(expected)"
    case .corrupt(let file, let reason): "\(file) is no intact image: \(reason)"
    case .fileTooLarge(let file, let limit):
      "image file \(file) is larger than the accepted \(limit) bytes"
    case .pixelCount(let found, let width, let height):
      "\(found) bytes do not make \(width) × \(height) pixels of three bytes"
    case .preparedTooLarge(let step, let width, let height, let limit):
      "\(step) would make an image of \(width) × \(height) pixels, more than the accepted \(limit)"
    case .tooManyPixels(let file, let width, let height):
      "image \(file) of \(width) × \(height) pixels is larger than accepted: "
        + "\(ImageLimits.pixels) pixels, \(ImageLimits.side) a side"
    case .unknownFormat(let file): "\(file) is neither a PNG nor a JPEG file"
    case .unreadable(let file): "image file \(file) does not exist or cannot be read"
    }
  }
}
