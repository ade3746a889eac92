/// What is accepted of images; everything beyond is refused before memory is taken for it.
enum ImageLimits {
  /// Length of an image file.
  static let fileBytes = 64 << 20
  /// Pixels of a decoded image, and of every image made on the way to the encoder.
  static let pixels = 100_000_000
  /// Pixels along one side of a decoded image: the most that JPEG can say.
  static let side = 65_535
  /// Pixels along one side that a configuration may ask for; encoders take about 1,000.
  static let configuredSide = 4_096
  /// Pixels of a prepared image, which takes twelve bytes for each.
  static let preparedPixels = configuredSide * configuredSide

  /// Whether an image of this size may be decoded.
  static func accepts(width: Int, height: Int) -> Bool {
    (1...side).contains(width) && (1...side).contains(height) && width * height <= pixels
  }

  /// Refuses an intermediate image with too many pixels. Neither side may exceed 2^31.
  static func check(step: String, width: Int, height: Int, limit: Int = pixels) throws(ImageError) {
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard !overflow, count <= limit else {
      throw .preparedTooLarge(step: step, width: width, height: height, limit: limit)
    }
  }
}
