/// What each part may say; the same for preprocessor_config.json and for model descriptions.
enum ImageProcessorBounds {
  /// Lengths of sides.
  static let side = 1...ImageLimits.configuredSide
  static let sideText = "a whole number from 1 to \(ImageLimits.configuredSide)"

  /// The factor of rescaling.
  static func acceptsFactor(_ factor: Double) -> Bool { factor > 0 && factor <= 1e6 }
  static let factorText = "a number above 0 and at most 1e6"

  static func acceptsMean(_ mean: [Double]) -> Bool {
    mean.count == 3 && mean.allSatisfy { abs($0) <= 1e6 }
  }
  static let meanText = "three numbers within ±1e6"

  /// Smaller deviations would make results infinite.
  static func acceptsDeviation(_ deviation: [Double]) -> Bool {
    deviation.count == 3 && deviation.allSatisfy { $0 >= 1e-6 && $0 <= 1e6 }
  }
  static let deviationText = "three numbers from 1e-6 to 1e6"
  static let fillText = "three numbers from 0 to 1, needed as the colour of padding"
}
