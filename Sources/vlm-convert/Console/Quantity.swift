import Foundation

/// Numbers for people.
enum Quantity {
  /// A number of bytes, for example `4.2 MB`.
  static func bytes(_ count: Int) -> String { scaled(Double(count), "B", ["k", "M", "G", "T"]) }

  /// A count, for example `4.6 M`.
  static func count(_ count: Int) -> String { scaled(Double(count), "", ["k", "M", "G", "T"]) }

  /// A number with that many decimals.
  static func decimal(_ value: Double, _ decimals: Int) -> String {
    String(format: "%.\(decimals)f", value)
  }

  /// A share in per cent.
  static func percent(_ share: Double) -> String { decimal(share * 100, 2) + " %" }

  /// A value and its standard error.
  static func measured(_ value: Double, _ error: Double?, _ decimals: Int) -> String {
    decimal(value, decimals) + (error.map { " ± " + decimal($0, decimals) } ?? "")
  }

  /// A duration, for example `1:05`.
  static func time(_ seconds: Double) -> String {
    let whole = Int(min(max(0, seconds.rounded()), 359_999))
    return "\(whole / 60):" + String(format: "%02d", whole % 60)
  }

  private static func scaled(_ value: Double, _ unit: String, _ prefixes: [String]) -> String {
    guard value >= 1000 else { return "\(Int(value)) \(unit)".trimmingSuffix(" ") }
    var value = value / 1000
    var index = 0
    while value >= 999.95, index < prefixes.count - 1 {
      value /= 1000
      index += 1
    }
    return "\(decimal(value, value < 100 ? 2 : 1)) \(prefixes[index])\(unit)"
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
