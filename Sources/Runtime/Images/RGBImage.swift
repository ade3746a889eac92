import Foundation

/// An image of three 8-bit channels.
///
/// Decoding agrees with Pillow's `open(…).convert("RGB")`: alpha is discarded and not blended, grey is replicated,
/// palettes are expanded, gamma, colour profiles and the EXIF orientation are ignored.
public struct RGBImage: Sendable, Equatable {
  /// Pixels in a row.
  public let width: Int
  /// Number of rows.
  public let height: Int
  /// Red, green and blue of each pixel, row by row: `[height, width, 3]`.
  public var pixels: [UInt8]

  /// Wraps pixels.
  ///
  /// - Parameter pixels: `[height, width, 3]`, row-major.
  public init(width: Int, height: Int, pixels: [UInt8]) throws(ImageError) {
    guard ImageLimits.accepts(width: width, height: height), pixels.count == width * height * 3
    else { throw .pixelCount(found: pixels.count, width: width, height: height) }
    self.init(checkedWidth: width, height: height, pixels: pixels)
  }

  /// Wraps pixels whose number is known to be right.
  init(checkedWidth width: Int, height: Int, pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Reads a PNG or JPEG file.
  public init(contentsOf path: String) throws(ImageError) {
    guard let handle = FileHandle(forReadingAtPath: path) else { throw .unreadable(file: path) }
    let bytes: [UInt8]
    do {
      bytes = Array(try handle.read(upToCount: ImageLimits.fileBytes + 1) ?? Data())
    } catch {
      throw .unreadable(file: path)
    }
    try self.init(decoding: bytes, file: path)
  }

  /// Decodes a PNG or JPEG file that is in memory; its first bytes tell which.
  ///
  /// - Parameter file: the name that errors speak of.
  public init(decoding bytes: [UInt8], file: String) throws(ImageError) {
    guard bytes.count <= ImageLimits.fileBytes else {
      throw .fileTooLarge(file: file, limit: ImageLimits.fileBytes)
    }
    if bytes.starts(with: PNGStructure.signature) {
      self = try PNGStructure(of: bytes, file: file).decoded(file: file)
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = try JPEGDecoder.decode(bytes, file: file)
    } else {
      throw .unknownFormat(file: file)
    }
  }
}
