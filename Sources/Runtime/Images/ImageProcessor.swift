/// How an image becomes the input of a vision encoder, as preprocessor_config.json says it.
///
/// The steps in order: pad to a square, resize, crop the centre, rescale, normalise, split into planes. Results agree
/// with the image processors of Hugging Face Transformers that work through Pillow. Its JSON form is part of a model
/// description, for example
///
///     {"aspectRatio": "square", "convertsToRGB": true, "crop": {"height": 224, "width": 224},
///      "normalization": {"mean": [0.5, 0.5, 0.5], "standardDeviation": [0.5, 0.5, 0.5]}, "resample": "bicubic",
///      "rescaleFactor": 0.00392156862745098, "resize": {"shortestEdge": {"length": 224}}}
public struct ImageProcessor: Sendable, Equatable, Codable {
  /// What happens to images that are not square before they are resized.
  public enum AspectRatio: String, Sendable, Codable, CaseIterable {
    /// Nothing.
    case square
    /// They are padded to a square with the mean colour (LLaVA's `image_aspect_ratio`).
    case pad
  }

  /// A size that images are brought to.
  public enum Resize: Sendable, Equatable, Codable {
    /// The shorter side gets a length, the longer one keeps the ratio, rounded down.
    case shortestEdge(length: Int)
    /// Both sides get a length; the ratio is lost.
    case exact(height: Int, width: Int)
  }

  /// The part in the middle that is kept.
  public struct Crop: Sendable, Equatable, Codable {
    /// Number of rows.
    public let height: Int
    /// Pixels in a row.
    public let width: Int
  }

  /// The average and the spread of each channel, in units of rescaled values.
  public struct Normalization: Sendable, Equatable, Codable {
    /// Subtracted: red, green, blue.
    public let mean: [Double]
    /// Divided by: red, green, blue.
    public let standardDeviation: [Double]
  }

  enum CodingKeys: String, CodingKey {
    case aspectRatio, resize, resample, crop, rescaleFactor, normalization, convertsToRGB
  }

  /// Whether images are padded before they are resized.
  public let aspectRatio: AspectRatio
  /// The size to bring images to, if any.
  public let resize: Resize?
  /// The kernel of resizing.
  public let resample: ResampleFilter
  /// The part to keep after resizing, if not all.
  public let crop: Crop?
  /// What 8-bit values are multiplied with, if anything.
  public let rescaleFactor: Double?
  /// The last step, if any.
  public let normalization: Normalization?
  /// What `do_convert_rgb` says; images are always converted here, whatever it says.
  public let convertsToRGB: Bool

  /// Prepares one image.
  ///
  /// - Precondition: the image has three bytes for each pixel.
  public func prepare(_ image: RGBImage) throws(ImageError) -> PreparedImage {
    precondition(image.pixels.count == image.width * image.height * 3)
    var image = image
    if aspectRatio == .pad, let fill = normalization?.fill {
      image = try image.paddedToSquare(fill: fill)
    }
    if let size = try resize?.size(of: image) {
      image = try image.resized(width: size.width, height: size.height, filter: resample)
    }
    if let crop { image = image.centerCropped(width: crop.width, height: crop.height) }
    try ImageLimits.check(
      step: "preparing", width: image.width, height: image.height,
      limit: ImageLimits.preparedPixels)
    return planes(of: image)
  }

  private func planes(of image: RGBImage) -> PreparedImage {
    let count = image.width * image.height
    var values = [Float](repeating: 0, count: 3 * count)
    for channel in 0..<3 {
      let table = table(channel: channel)
      for pixel in 0..<count {
        values[channel * count + pixel] = table[Int(image.pixels[pixel * 3 + channel])]
      }
    }
    return PreparedImage(height: image.height, width: image.width, values: values)
  }

  /// The result of rescaling and normalising for each 8-bit value.
  ///
  /// Rescaling is rounded once from double precision, normalising happens in single precision, as in Transformers.
  private func table(channel: Int) -> [Float] {
    (0..<256).map { level in
      let value = rescaleFactor.map { Float(Double(level) * $0) } ?? Float(level)
      guard let normalization else { return value }
      return (value - Float(normalization.mean[channel]))
        / Float(normalization.standardDeviation[channel])
    }
  }
}

extension ImageProcessor.Resize {
  /// The size that an image gets.
  func size(of image: RGBImage) throws(ImageError) -> (width: Int, height: Int) {
    switch self {
    case .exact(let height, let width): return (width, height)
    case .shortestEdge(let length):
      let short = min(image.width, image.height)
      let long = max(image.width, image.height)
      let scaled = length * long / short
      return image.width <= image.height ? (length, scaled) : (scaled, length)
    }
  }
}

extension ImageProcessor.Normalization {
  /// The mean as an 8-bit colour, rounded down; nothing if it is none.
  var fill: [UInt8]? {
    let levels = mean.compactMap { UInt8(exactly: ($0 * 255).rounded(.towardZero)) }
    return levels.count == 3 ? levels : nil
  }
}
