import Foundation

/// Reads sizes of files.
public enum ByteSize {
  private static let units: [(name: String, bytes: Double)] = [
    ("kib", 1024), ("mib", 1_048_576), ("gib", 1_073_741_824), ("kb", 1e3), ("mb", 1e6),
    ("gb", 1e9), ("b", 1), ("", 1),
  ]

  /// The bytes of a size such as `900MB`, `1.5GB`, `32MiB` or `1000000`; nothing if the text is none or below a byte.
  public static func parse(_ text: String) -> Int? {
    let text = text.lowercased()
    guard let unit = units.first(where: { text.hasSuffix($0.name) }) else { return nil }
    let number = text.dropLast(unit.name.count)
    guard number.first?.isNumber == true, number.allSatisfy({ $0.isNumber || $0 == "." }),
      let value = Double(number)
    else { return nil }
    let bytes = value * unit.bytes
    return (1...1e15).contains(bytes) ? Int(bytes) : nil
  }
}
