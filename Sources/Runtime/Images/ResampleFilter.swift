import Glibc

/// A kernel for resizing images, in the order of Pillow's codes 0 to 5.
public enum ResampleFilter: String, Sendable, Codable, CaseIterable {
  case nearest
  case lanczos
  case bilinear
  case bicubic
  case box
  case hamming

  /// How far the kernel reaches from its centre, in pixels of the image when enlarging.
  ///
  /// `nearest` has no kernel.
  var support: Double {
    switch self {
    case .nearest, .box: 0.5
    case .bilinear, .hamming: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The height of the kernel, not normalised, at a distance from its centre.
  func weight(at distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .nearest, .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .bilinear: return x < 1 ? 1 - x : 0
    case .bicubic: return Self.cubic(x, a: -0.5)
    case .hamming: return x < 1 ? Self.sinc(x) * (0.54 + 0.46 * cos(x * .pi)) : 0
    case .lanczos:
      return distance >= -3 && distance < 3 ? Self.sinc(distance) * Self.sinc(distance / 3) : 0
    }
  }

  /// Keys' cubic convolution (IEEE Trans. ASSP 29, 1981) at a distance that is not negative.
  static func cubic(_ x: Double, a: Double) -> Double {
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
    return 0
  }

  private static func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(x * .pi) / (x * .pi)
  }
}
