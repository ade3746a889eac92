import Format
import Foundation
import Testing

@testable import Runtime

/// The files that `Tests/References/image_fixture.py` made.
enum ImageFixtures {
  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/images")

  static func path(_ name: String) -> String { folder.appending(path: name).path }

  static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: folder.appending(path: name)))
  }

  static func bytes(base64 text: String) throws -> [UInt8] {
    try Array(#require(Data(base64Encoded: text)))
  }

  /// The cases of one of the JSON files.
  static func cases<Case: Decodable>(_ name: String) -> [Case] {
    do {
      return try JSONDecoder().decode(
        [Case].self, from: Data(contentsOf: folder.appending(path: name)))
    } catch {
      Issue.record("fixture \(name) cannot be read: \(error)")
      return []
    }
  }

  /// The same pixels as `pattern` in the script.
  static func pattern(width: Int, height: Int, seed: Int) throws -> RGBImage {
    let pixels = (0..<width * height * 3).map { index in
      let noise = (UInt64(index + seed) * 2_654_435_761) >> 13
      let x = UInt64(index / 3 % width)
      let y = UInt64(index / (3 * width))
      return UInt8(truncatingIfNeeded: 5 * x + 3 * y + noise % 64 + 80 * UInt64(index % 3))
    }
    return try RGBImage(width: width, height: height, pixels: pixels)
  }

  /// The 64-bit hash of Fowler, Noll and Vo, variant 1a, in hexadecimal.
  static func hash(_ bytes: [UInt8]) -> String {
    let value = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The bytes of 32-bit floats, low byte first.
  static func bytes(of values: [Float]) -> [UInt8] {
    values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
  }
}
