public import Format

extension ImageProcessor {
  /// Reads a preprocessor_config.json.
  ///
  /// Missing `do_…` keys mean yes, except that nothing is cropped without a `crop_size`. A missing `resample` is
  /// bicubic for the families whose default that is. A single number as `size` is the shorter side for CLIP and its
  /// relatives, both sides for SigLIP and ViT. Keys that would change the pixels in a way not known here are refused.
  ///
  /// - Parameters:
  ///   - configuration: the content of the file.
  ///   - file: the name that errors speak of.
  ///   - aspectRatio: what the model's own configuration says (`image_aspect_ratio`), if it says anything.
  public init(
    configuration: JSON, file: String, aspectRatio: AspectRatio? = nil
  ) throws(ImageError) {
    let reader = ImageProcessorReader(configuration: configuration, file: file)
    guard configuration.objectValue != nil else {
      throw .configuration(
        file: file, key: "", found: reader.text(configuration), expected: "an object")
    }
    try reader.refuseUnknownSteps()
    let ownRatio = try reader.aspectRatio()
    self.aspectRatio = aspectRatio ?? ownRatio ?? .square
    resize = try reader.flag("do_resize") ? reader.resize() : nil
    resample = try reader.resample(isNeeded: resize != nil)
    crop = try reader.crop()
    rescaleFactor = try reader.flag("do_rescale") ? reader.rescaleFactor() : nil
    normalization = try reader.flag("do_normalize") ? reader.normalization() : nil
    convertsToRGB = try reader.flag("do_convert_rgb")
    if self.aspectRatio == .pad, normalization?.fill == nil {
      throw reader.fault("image_mean", ImageProcessorBounds.fillText)
    }
  }
}

/// Reads the keys of a preprocessor_config.json one by one.
private struct ImageProcessorReader {
  let configuration: JSON
  let file: String

  /// The class that wrote the configuration, such as `CLIPImageProcessor` or `SiglipImageProcessorFast`.
  private var family: String {
    let key = ["image_processor_type", "feature_extractor_type"].first {
      configuration[$0]?.stringValue != nil
    }
    return key.flatMap { configuration[$0]?.stringValue } ?? ""
  }

  func text(_ value: JSON?) -> String {
    let limit = 60
    let text = value?.canonicalText ?? "missing"
    return text.count > limit ? text.prefix(limit) + "…" : text
  }

  func fault(_ key: String, _ expected: String) -> ImageError {
    .configuration(file: file, key: key, found: text(configuration[key]), expected: expected)
  }

  func flag(_ key: String, missing: Bool = true) throws(ImageError) -> Bool {
    guard let value = configuration.present(key) else { return missing }
    guard let flag = value.boolValue else { throw fault(key, "true or false") }
    return flag
  }

  func refuseUnknownSteps() throws(ImageError) {
    let steps = [
      "do_align_long_axis", "do_flip_channel_order", "do_image_splitting", "do_thumbnail",
      "do_color_quantize", "rescale_offset",
    ]
    for step in steps where try flag(step, missing: false) {
      throw fault(step, "false: this step is not supported")
    }
    for key in ["crop_pct", "image_grid_pinpoints", "size_divisor"]
    where configuration.present(key) != nil {
      throw fault(key, "no such key: it is not supported")
    }
  }

  func aspectRatio() throws(ImageError) -> ImageProcessor.AspectRatio? {
    let isPadded = try flag("do_pad", missing: false)
    if isPadded && !family.hasPrefix("Llava") {
      throw fault("do_pad", "false unless the processor is LLaVA's")
    }
    guard let value = configuration.present("image_aspect_ratio") else {
      return isPadded ? .pad : nil
    }
    guard let name = value.stringValue, let ratio = ImageProcessor.AspectRatio(rawValue: name)
    else { throw fault("image_aspect_ratio", "“square” or “pad”") }
    return ratio
  }

  private func side(_ value: JSON?, of key: String) throws(ImageError) -> Int {
    guard let length = value?.intValue, ImageProcessorBounds.side.contains(length) else {
      throw fault(key, ImageProcessorBounds.sideText)
    }
    return length
  }

  /// The names of the members of a size that are not null.
  private func members(of size: JSON) -> Set<String> {
    Set((size.objectValue ?? [:]).filter { $0.value != .null }.keys.map(\.text))
  }

  func resize() throws(ImageError) -> ImageProcessor.Resize {
    let key = "size"
    guard let size = configuration.present(key) else { throw fault(key, "a size to resize to") }
    if size.objectValue == nil {
      let length = try side(size, of: key)
      let isSquare = family.hasPrefix("Siglip") || family.hasPrefix("ViT")
      return isSquare ? .exact(height: length, width: length) : .shortestEdge(length: length)
    }
    switch members(of: size) {
    case ["shortest_edge"]: return .shortestEdge(length: try side(size["shortest_edge"], of: key))
    case ["height", "width"]:
      return .exact(
        height: try side(size["height"], of: key), width: try side(size["width"], of: key))
    default: throw fault(key, "“shortest_edge”, or “height” and “width”")
    }
  }

  func resample(isNeeded: Bool) throws(ImageError) -> ResampleFilter {
    let key = "resample"
    guard let value = configuration.present(key) else {
      let isBicubic =
        family.isEmpty || ["CLIP", "Siglip", "Bit", "Llava"].contains(where: family.hasPrefix)
      guard isBicubic || !isNeeded else { throw fault(key, "a number from 0 to 5") }
      return .bicubic
    }
    guard let code = value.intValue, ResampleFilter.allCases.indices.contains(code) else {
      throw fault(key, "a number from 0 to 5")
    }
    return ResampleFilter.allCases[code]
  }

  func crop() throws(ImageError) -> ImageProcessor.Crop? {
    let key = "crop_size"
    let isAsked = configuration.present("do_center_crop") != nil
    guard try flag("do_center_crop") else { return nil }
    guard let size = configuration.present(key) else {
      if isAsked { throw fault(key, "the size of the crop") }
      return nil
    }
    if size.objectValue == nil {
      let length = try side(size, of: key)
      return .init(height: length, width: length)
    }
    guard members(of: size) == ["height", "width"] else { throw fault(key, "“height” and “width”") }
    return .init(height: try side(size["height"], of: key), width: try side(size["width"], of: key))
  }

  func rescaleFactor() throws(ImageError) -> Double {
    let key = "rescale_factor"
    guard let value = configuration.present(key) else { return 1.0 / 255.0 }
    guard let factor = value.doubleValue, ImageProcessorBounds.acceptsFactor(factor) else {
      throw fault(key, ImageProcessorBounds.factorText)
    }
    return factor
  }

  func normalization() throws(ImageError) -> ImageProcessor.Normalization {
    let mean = numbers("image_mean")
    guard let mean, ImageProcessorBounds.acceptsMean(mean) else {
      throw fault("image_mean", ImageProcessorBounds.meanText)
    }
    let deviation = numbers("image_std")
    guard let deviation, ImageProcessorBounds.acceptsDeviation(deviation) else {
      throw fault("image_std", ImageProcessorBounds.deviationText)
    }
    return .init(mean: mean, standardDeviation: deviation)
  }

  private func numbers(_ key: String) -> [Double]? {
    guard let elements = configuration[key]?.arrayValue else { return nil }
    let numbers = elements.compactMap(\.doubleValue)
    return numbers.count == elements.count ? numbers : nil
  }
}
