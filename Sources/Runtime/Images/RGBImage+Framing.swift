extension RGBImage {
  /// The image in the middle of a square as large as its longer side, on a ground of one colour.
  ///
  /// An odd remainder goes to the right or the bottom.
  func paddedToSquare(fill: [UInt8]) throws(ImageError) -> RGBImage {
    let side = max(width, height)
    try ImageLimits.check(step: "padding to a square", width: side, height: side)
    return placed(
      left: (side - width) / 2, top: (side - height) / 2, width: side, height: side, fill: fill)
  }

  /// The middle of the image; where the image is smaller than that, black surrounds it.
  ///
  /// An odd remainder is cut from the right or the bottom, and added to the left or the top.
  func centerCropped(width: Int, height: Int) -> RGBImage {
    // The shift rounds down for negative remainders too, as Python's `//` does.
    placed(
      left: -((self.width - width) >> 1), top: -((self.height - height) >> 1), width: width,
      height: height, fill: [0, 0, 0])
  }

  /// Moves the image by `left` and `top` onto a canvas; what lies outside is cut off.
  private func placed(
    left: Int, top: Int, width: Int, height: Int, fill: [UInt8]
  ) -> RGBImage {
    if width == self.width && height == self.height { return self }
    var result = [UInt8](repeating: 0, count: width * height * 3)
    if fill.contains(where: { $0 != 0 }) {
      for index in result.indices { result[index] = fill[index % fill.count] }
    }
    let columns = max(left, 0)..<min(left + self.width, width)
    for row in max(top, 0)..<min(top + self.height, height) {
      let source = ((row - top) * self.width + columns.lowerBound - left) * 3
      let target = (row * width + columns.lowerBound) * 3
      for index in 0..<columns.count * 3 { result[target + index] = pixels[source + index] }
    }
    return RGBImage(checkedWidth: width, height: height, pixels: result)
  }
}
