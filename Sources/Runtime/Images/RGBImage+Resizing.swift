extension RGBImage {
  /// The image at another size; the same bytes as Pillow's `resize`.
  ///
  /// There are two passes with 8-bit values between them; one that would not change the size is skipped. The order
  /// of the passes is that of Pillow 13; earlier versions always begin with the rows, which changes some values by a
  /// few levels where the order differs.
  func resized(width: Int, height: Int, filter: ResampleFilter) throws(ImageError) -> RGBImage {
    try ImageLimits.check(step: "resizing", width: width, height: height)
    if width == self.width && height == self.height { return self }
    if filter == .nearest { return sampled(width: width, height: height) }
    if beginsWithColumns(width: width, height: height) {
      return withResampledColumns(height: height, filter: filter)
        .withResampledRows(width: width, filter: filter)
    }
    return withResampledRows(width: width, filter: filter)
      .withResampledColumns(height: height, filter: filter)
  }

  /// Whether the height loses more than twice as many pixels as the width does.
  ///
  /// With this order the image between the passes never has more pixels than both the source and the result.
  private func beginsWithColumns(width: Int, height: Int) -> Bool {
    self.height - height > 2 * max(self.width - width, 0)
  }

  private func withResampledRows(width: Int, filter: ResampleFilter) -> RGBImage {
    if width == self.width { return self }
    let weights = ResampleWeights(filter: filter, from: self.width, to: width)
    var result = [UInt8](repeating: 0, count: width * height * 3)
    var target = result.mutableSpan
    let source = pixels.span
    for row in 0..<height {
      let line = source.extracting(row * self.width * 3..<(row + 1) * self.width * 3)
      for x in 0..<width {
        let color = Self.mix(line, weights: weights, position: x)
        let index = (row * width + x) * 3
        target[index] = ResampleWeights.value(of: color.x)
        target[index + 1] = ResampleWeights.value(of: color.y)
        target[index + 2] = ResampleWeights.value(of: color.z)
      }
    }
    return RGBImage(checkedWidth: width, height: height, pixels: result)
  }

  @inline(__always) private static func mix(
    _ line: Span<UInt8>, weights: ResampleWeights, position: Int
  ) -> SIMD3<Int32> {
    var sum = SIMD3<Int32>(repeating: ResampleWeights.half)
    let first = weights.starts[position]
    let taps = weights.weights.span
    for tap in 0..<weights.counts[position] {
      let weight = taps[position * weights.stride + tap]
      let index = (first + tap) * 3
      sum.x &+= weight &* Int32(line[index])
      sum.y &+= weight &* Int32(line[index + 1])
      sum.z &+= weight &* Int32(line[index + 2])
    }
    return sum
  }

  private func withResampledColumns(height: Int, filter: ResampleFilter) -> RGBImage {
    if height == self.height { return self }
    let weights = ResampleWeights(filter: filter, from: self.height, to: height)
    let length = width * 3
    var result = [UInt8](repeating: 0, count: length * height)
    var target = result.mutableSpan
    let source = pixels.span
    var sums = [Int32](repeating: 0, count: length)
    for y in 0..<height {
      for index in 0..<length { sums[index] = ResampleWeights.half }
      for tap in 0..<weights.counts[y] {
        let row = weights.starts[y] + tap
        Self.add(
          source.extracting(row * length..<(row + 1) * length),
          weight: weights.weights[y * weights.stride + tap], to: &sums)
      }
      for index in 0..<length {
        target[y * length + index] = ResampleWeights.value(of: sums[index])
      }
    }
    return RGBImage(checkedWidth: width, height: height, pixels: result)
  }

  private static func add(_ line: Span<UInt8>, weight: Int32, to sums: inout [Int32]) {
    var target = sums.mutableSpan
    for index in 0..<min(line.count, target.count) {
      target[index] = target[index] &+ weight &* Int32(line[index])
    }
  }

  /// Takes the nearest pixel, with Pillow's running sum of positions.
  private func sampled(width: Int, height: Int) -> RGBImage {
    let columns = Self.nearest(from: self.width, to: width)
    let rows = Self.nearest(from: self.height, to: height)
    var result = [UInt8]()
    result.reserveCapacity(width * height * 3)
    for row in rows {
      for column in columns {
        let index = (row * self.width + column) * 3
        result += pixels[index..<index + 3]
      }
    }
    return RGBImage(checkedWidth: width, height: height, pixels: result)
  }

  private static func nearest(from source: Int, to result: Int) -> [Int] {
    let scale = Double(source) / Double(result)
    var position = scale * 0.5
    return (0..<result).map { _ in
      defer { position += scale }
      return min(Int(position), source - 1)
    }
  }
}
