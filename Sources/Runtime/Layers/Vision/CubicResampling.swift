/// Cubic convolution of tables of positions along one axis, in the two forms that vision transformers are trained with.
///
/// Output `o` lies at `(o + ½) · source / result` in both forms.
enum CubicResampling {
  /// a = −0.75, four neighbours with edges repeated, also when shrinking (PyTorch's `interpolate`).
  case plain
  /// a = −0.5, the kernel widened when shrinking, weights outside the table left out (Pillow, PyTorch's `antialias`).
  case antialiased

  /// A share of one element.
  struct Tap: Equatable {
    let index: Int
    let weight: Double
  }

  init?(_ interpolation: VisionPositionDescription.Interpolation) {
    switch interpolation {
    case .none: return nil
    case .bicubic: self = .plain
    case .antialiasedBicubic: self = .antialiased
    }
  }

  /// For every element of the result, what it mixes; weights of each sum to 1.
  ///
  /// - Precondition: both lengths are positive.
  func taps(from source: Int, to result: Int) -> [[Tap]] {
    let scale = Double(source) / Double(result)
    return (0..<result).map { position in
      let center = (Double(position) + 0.5) * scale
      switch self {
      case .plain: return Self.plainTaps(center - 0.5, source)
      case .antialiased: return Self.antialiasedTaps(center, source, widening: max(scale, 1))
      }
    }
  }

  private static func plainTaps(_ center: Double, _ source: Int) -> [Tap] {
    let floor = center.rounded(.down)
    return (-1...2).map { offset in
      Tap(
        index: min(max(Int(floor) + offset, 0), source - 1),
        weight: ResampleFilter.cubic(abs(center - floor - Double(offset)), a: -0.75))
    }
  }

  private static func antialiasedTaps(
    _ center: Double, _ source: Int, widening: Double
  ) -> [Tap] {
    let support = 2 * widening
    let first = max(Int(center - support + 0.5), 0)
    let end = min(Int(center + support + 0.5), source)
    let taps = (first..<end).map { index in
      Tap(
        index: index,
        weight: ResampleFilter.cubic(abs(Double(index) - center + 0.5) / widening, a: -0.5))
    }
    let total = taps.reduce(0) { $0 + $1.weight }
    return taps.map { Tap(index: $0.index, weight: $0.weight / total) }
  }
}
