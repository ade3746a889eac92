import CPNG

extension PNGStructure {
  /// Decodes by libpng's simplified interface, reduced to what Pillow makes of the same samples.
  ///
  /// Samples of 16 bits are reduced as Pillow's `convert("RGB")` does it: colours keep their high byte, grey is
  /// clamped to 255. Beside alpha they are rounded to 8 bits instead, at most one level from Pillow's high byte:
  /// the interface gives 16 bits beside alpha only after multiplying with it.
  func decoded(file: String) throws(ImageError) -> RGBImage {
    let pixels: [UInt8]
    if bitDepth == 16, !hasAlpha {
      // With no gamma chunk left, linear output is the samples as they are.
      let samples = try samples(
        UInt16.self, format: PNG_FORMAT_FLAG_LINEAR | PNG_FORMAT_FLAG_COLOR, channels: 3, file: file
      )
      pixels = samples.map { isGrey ? UInt8(clamping: $0) : UInt8($0 >> 8) }
    } else if hasAlpha {
      // Asking for RGB here would blend with a background, so alpha is read and then left out.
      let samples = try samples(
        UInt8.self, format: PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA, channels: 4, file: file)
      pixels = Self.withoutAlpha(samples)
    } else {
      pixels = try samples(UInt8.self, format: PNG_FORMAT_FLAG_COLOR, channels: 3, file: file)
    }
    return RGBImage(checkedWidth: width, height: height, pixels: pixels)
  }

  private static func withoutAlpha(_ samples: [UInt8]) -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: samples.count / 4 * 3)
    for pixel in 0..<samples.count / 4 {
      for channel in 0..<3 { pixels[pixel * 3 + channel] = samples[pixel * 4 + channel] }
    }
    return pixels
  }

  private func samples<Sample: FixedWidthInteger & UnsignedInteger>(
    _ type: Sample.Type, format: some BinaryInteger, channels: Int, file: String
  ) throws(ImageError) -> [Sample] {
    var samples = [Sample](repeating: 0, count: width * height * channels)
    if let fault = read(into: &samples, format: png_uint_32(truncatingIfNeeded: format)) {
      throw .corrupt(file: file, reason: fault)
    }
    return samples
  }

  /// Fills `samples`, which must have room for the whole image, and tells what libpng complained of.
  private func read<Sample>(into samples: inout [Sample], format: png_uint_32) -> String? {
    var image = unsafe png_image()
    unsafe image.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { unsafe png_image_free(&image) }
    let isRead = unsafe essentialBytes.withUnsafeBytes { bytes in
      guard unsafe png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0
      else { return false }
      guard unsafe Int(image.width) == width, unsafe Int(image.height) == height else {
        return false
      }
      unsafe image.format = format
      if format & png_uint_32(PNG_FORMAT_FLAG_LINEAR) == 0 {
        // Samples of 16 bits would count as linear light and get a curve on their way to 8 bits.
        unsafe image.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
      }
      return unsafe samples.withUnsafeMutableBytes { target in
        unsafe png_image_finish_read(&image, nil, target.baseAddress, 0, nil) != 0
      }
    }
    if isRead, unsafe image.warning_or_error == 0 { return nil }
    let message = unsafe withUnsafeBytes(of: image.message) { unsafe Array($0) }
    return String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
  }
}
