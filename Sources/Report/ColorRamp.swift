import Foundation

/// Colours that mean numbers or kinds.
///
/// They are chosen in OKLCH, in which equal steps look equal (Ottosson 2020), and keep their lightness apart from their
/// hue, so that they can be told from each other without seeing colours.
enum ColorRamp {
  /// A colour by lightness 0 to 1, chroma and hue in degrees.
  struct Color {
    let lightness: Double
    let chroma: Double
    let hue: Double

    /// Whether black is easier to read on it than white.
    var isLight: Bool { lightness > 0.63 }

    /// As in `#1a2b3c`.
    var code: String {
      let angle = hue * .pi / 180
      let (a, b) = (chroma * cos(angle), chroma * sin(angle))
      let l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3)
      let m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3)
      let s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3)
      let channels = [
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
      ]
      return "#" + channels.map(Self.digits).joined()
    }

    private static func digits(_ linear: Double) -> String {
      let value = min(max(linear, 0), 1)
      let encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055
      return String(format: "%02x", Int((encoded * 255).rounded()))
    }
  }

  /// Dark red at 0, over orange to pale yellow at 1.
  static func heat(_ share: Double) -> Color {
    let share = min(max(share, 0), 1)
    return Color(
      lightness: 0.42 + 0.50 * share, chroma: 0.17 - 0.09 * share * share,
      hue: 18 + 82 * share)
  }

  private static let hues: [Double] = [250, 60, 150, 20, 305, 195, 100, 340]
  /// The numbers of kinds whose colours can be told apart.
  static let kinds = hues.indices

  /// The colour of one of several kinds; grey for the others.
  static func kind(_ number: Int) -> Color {
    guard kinds.contains(number) else {
      return Color(lightness: 0.78, chroma: 0.005, hue: 250)
    }
    return Color(lightness: number % 2 == 0 ? 0.76 : 0.82, chroma: 0.105, hue: hues[number])
  }
}
