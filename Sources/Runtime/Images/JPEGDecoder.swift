import CTurboJPEG

/// Decodes JPEG files by libjpeg-turbo, with the exact inverse transform and smooth chroma, as Pillow does.
///
/// Whatever the library only warns of (an early end, garbage between markers) refuses the file: its pixels would be
/// partly invented.
enum JPEGDecoder {
  static func decode(_ bytes: [UInt8], file: String) throws(ImageError) -> RGBImage {
    guard let handle = unsafe tjInitDecompress() else {
      throw .corrupt(file: file, reason: "the JPEG decoder cannot be started")
    }
    defer { _ = unsafe tjDestroy(handle) }
    var width: Int32 = 0
    var height: Int32 = 0
    var subsampling: Int32 = 0
    var colorSpace: Int32 = 0
    let header = unsafe bytes.withUnsafeBufferPointer { source in
      unsafe tjDecompressHeader3(
        handle, source.baseAddress, UInt(source.count), &width, &height, &subsampling, &colorSpace)
    }
    guard header == 0 else { throw unsafe fault(of: handle, file: file) }
    guard ImageLimits.accepts(width: Int(width), height: Int(height)) else {
      throw .tooManyPixels(file: file, width: Int(width), height: Int(height))
    }
    let isInk = colorSpace == TJCS_CMYK.rawValue || colorSpace == TJCS_YCCK.rawValue
    let format = isInk ? TJPF_CMYK : TJPF_RGB
    var samples = [UInt8](repeating: 0, count: Int(width) * Int(height) * (isInk ? 4 : 3))
    let flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS
    let body = unsafe bytes.withUnsafeBufferPointer { source in
      unsafe samples.withUnsafeMutableBufferPointer { target in
        unsafe tjDecompress2(
          handle, source.baseAddress, UInt(source.count), target.baseAddress, width, 0, height,
          format.rawValue, flags)
      }
    }
    guard body == 0 else { throw unsafe fault(of: handle, file: file) }
    return RGBImage(
      checkedWidth: Int(width), height: Int(height), pixels: isInk ? rgb(fromInk: samples) : samples
    )
  }

  private static func fault(of handle: tjhandle, file: String) -> ImageError {
    let reason = unsafe tjGetErrorStr2(handle).map { unsafe String(cString: $0) }
    return .corrupt(file: file, reason: reason ?? "the JPEG decoder gives no reason")
  }

  /// Cyan, magenta, yellow and black to colours, as Pillow does it.
  ///
  /// Samples are taken to be inverted (255 is no ink), as Adobe's programs write them.
  private static func rgb(fromInk samples: [UInt8]) -> [UInt8] {
    var pixels = [UInt8](repeating: 0, count: samples.count / 4 * 3)
    for pixel in 0..<samples.count / 4 {
      let light = Int(samples[pixel * 4 + 3])
      for channel in 0..<3 {
        let product = Int(255 - samples[pixel * 4 + channel]) * light + 128
        let darkening = (product >> 8 + product) >> 8
        pixels[pixel * 3 + channel] = UInt8(clamping: light - darkening)
      }
    }
    return pixels
  }
}
