extension ImageProcessor {
  /// Reads the JSON form from a file nobody vouches for; values out of bounds are corrupt data.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func require(_ condition: Bool, _ key: CodingKeys, _ expected: String) throws {
      guard condition else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "expected \(expected)")
      }
    }
    aspectRatio = try container.decode(AspectRatio.self, forKey: .aspectRatio)
    resize = try container.decodeIfPresent(Resize.self, forKey: .resize)
    resample = try container.decode(ResampleFilter.self, forKey: .resample)
    crop = try container.decodeIfPresent(Crop.self, forKey: .crop)
    rescaleFactor = try container.decodeIfPresent(Double.self, forKey: .rescaleFactor)
    normalization = try container.decodeIfPresent(Normalization.self, forKey: .normalization)
    convertsToRGB = try container.decode(Bool.self, forKey: .convertsToRGB)

    let sides = ImageProcessorBounds.side
    switch resize {
    case .shortestEdge(let length):
      try require(sides.contains(length), .resize, ImageProcessorBounds.sideText)
    case .exact(let height, let width):
      try require(
        sides.contains(height) && sides.contains(width), .resize, ImageProcessorBounds.sideText)
    case nil: break
    }
    if let crop {
      try require(
        sides.contains(crop.height) && sides.contains(crop.width), .crop,
        ImageProcessorBounds.sideText)
    }
    if let rescaleFactor {
      try require(
        ImageProcessorBounds.acceptsFactor(rescaleFactor), .rescaleFactor,
        ImageProcessorBounds.factorText)
    }
    if let normalization {
      try require(
        ImageProcessorBounds.acceptsMean(normalization.mean)
          && ImageProcessorBounds.acceptsDeviation(normalization.standardDeviation),
        .normalization, "\(ImageProcessorBounds.meanText) and \(ImageProcessorBounds.deviationText)"
      )
    }
    if aspectRatio == .pad {
      try require(normalization?.fill != nil, .normalization, ImageProcessorBounds.fillText)
    }
  }
}
