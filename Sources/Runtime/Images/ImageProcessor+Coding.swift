extension ImageProcessor {
  /// Reads the JSON form from a file nobody vouches for; values out of bounds are corrupt data.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    aspectRatio = try container.decode(AspectRatio.self, forKey: .aspectRatio)
    resize = try container.decodeIfPresent(Resize.self, forKey: .resize)
    resample = try container.decode(ResampleFilter.self, forKey: .resample)
    crop = try container.decodeIfPresent(Crop.self, forKey: .crop)
    rescaleFactor = try container.decodeIfPresent(Double.self, forKey: .rescaleFactor)
    normalization = try container.decodeIfPresent(Normalization.self, forKey: .normalization)
    convertsToRGB = try container.decode(Bool.self, forKey: .convertsToRGB)
    if let fault {
      throw DecodingError.dataCorruptedError(
        forKey: fault.key, in: container, debugDescription: "expected \(fault.expected)")
    }
  }

  /// The first member that is out of bounds.
  private var fault: (key: CodingKeys, expected: String)? {
    let resizedSides =
      switch resize {
      case .shortestEdge(let length): [length]
      case .exact(let height, let width): [height, width]
      case nil: [Int]()
      }
    let croppedSides = crop.map { [$0.height, $0.width] } ?? []
    if !resizedSides.allSatisfy(ImageProcessorBounds.side.contains) {
      return (.resize, ImageProcessorBounds.sideText)
    }
    if !croppedSides.allSatisfy(ImageProcessorBounds.side.contains) {
      return (.crop, ImageProcessorBounds.sideText)
    }
    if let rescaleFactor, !ImageProcessorBounds.acceptsFactor(rescaleFactor) {
      return (.rescaleFactor, ImageProcessorBounds.factorText)
    }
    if let normalization, !ImageProcessorBounds.acceptsMean(normalization.mean) {
      return (.normalization, ImageProcessorBounds.meanText)
    }
    if let normalization,
      !ImageProcessorBounds.acceptsDeviation(normalization.standardDeviation)
    {
      return (.normalization, ImageProcessorBounds.deviationText)
    }
    if aspectRatio == .pad, normalization?.fill == nil {
      return (.normalization, ImageProcessorBounds.fillText)
    }
    return nil
  }
}
