/// For every pixel along one side of the result: which pixels of the source it mixes, and how much of each.
///
/// The arithmetic is Pillow's for 8-bit images: kernels are widened when shrinking, weights are normalised in double
/// precision and then rounded, half away from zero, to fixed point with 22 bits of fraction.
struct ResampleWeights {
  /// Bits of fraction of a weight.
  static let precision: Int32 = 22
  /// Half of the last kept bit: where sums start so that the shift rounds.
  static let half: Int32 = 1 << (precision - 1)

  /// The first source pixel of each result pixel.
  let starts: [Int]
  /// The number of source pixels of each result pixel; at most `stride`.
  let counts: [Int]
  /// The distance between the weights of two result pixels in `weights`.
  let stride: Int
  /// Fixed-point weights: `[result pixels, stride]`.
  let weights: [Int32]

  /// - Precondition: both lengths are positive and at most 2^24.
  init(filter: ResampleFilter, from source: Int, to result: Int) {
    let scale = Double(source) / Double(result)
    let widening = max(scale, 1)
    let support = filter.support * widening
    let stride = Int(support.rounded(.up)) * 2 + 1
    var starts = [Int](repeating: 0, count: result)
    var counts = starts
    var weights = [Int32](repeating: 0, count: result * stride)
    var kernel = [Double](repeating: 0, count: stride)
    for position in 0..<result {
      let center = (Double(position) + 0.5) * scale
      let first = max(Int(center - support + 0.5), 0)
      let count = min(Int(center + support + 0.5), source) - first
      var total = 0.0
      for tap in 0..<count {
        kernel[tap] = filter.weight(at: (Double(tap + first) - center + 0.5) * (1 / widening))
        total += kernel[tap]
      }
      for tap in 0..<count {
        let share = total == 0 ? kernel[tap] : kernel[tap] / total
        weights[position * stride + tap] = Self.fixedPoint(share)
      }
      starts[position] = first
      counts[position] = count
    }
    self.starts = starts
    self.counts = counts
    self.stride = stride
    self.weights = weights
  }

  private static func fixedPoint(_ share: Double) -> Int32 {
    let scaled = share * Double(1 << precision)
    return Int32(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
  }

  /// The 8-bit value of a sum that started at `half`.
  @inline(__always) static func value(of sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(max(sum >> precision, 0), 255))
  }
}
