import Testing

@testable import Runtime

struct ImageDecodingCase: Decodable, Sendable, CustomTestStringConvertible {
  let file: String
  let width: Int
  let height: Int
  let pixels: String

  var testDescription: String { file }
}

@Suite struct ImageDecodingTests {
  static let cases: [ImageDecodingCase] = ImageFixtures.cases("decoding.json")

  /// Levels by which a JPEG sample may differ from Pillow's.
  ///
  /// Versions of libjpeg-turbo may round the inverse transform and the chroma interpolation differently, by one
  /// level each.
  static let jpegBound = 2

  /// Levels by which a 16-bit sample beside alpha may differ: libpng rounds to 8 bits, Pillow takes the high byte.
  static let deepAlphaBound = 1

  /// PNG is lossless otherwise.
  static func bound(for file: String) -> Int {
    if file.hasSuffix(".jpg") { return jpegBound }
    return file.hasPrefix("rgba-16-bit") || file.hasPrefix("grey-alpha-16") ? deepAlphaBound : 0
  }

  @Test(arguments: cases)
  func `a file decodes to the pixels that Pillow finds`(_ expected: ImageDecodingCase) throws {
    let image = try RGBImage(contentsOf: ImageFixtures.path(expected.file))
    #expect(image.width == expected.width)
    #expect(image.height == expected.height)
    let pixels = try ImageFixtures.bytes(base64: expected.pixels)
    try #require(image.pixels.count == pixels.count)
    let worst = zip(image.pixels, pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst <= Self.bound(for: expected.file), "largest difference \(worst)")
  }

  @Test func `there are cases for both formats`() {
    #expect(Self.cases.count { $0.file.hasSuffix(".png") } >= 20)
    #expect(Self.cases.count { $0.file.hasSuffix(".jpg") } >= 8)
  }

  @Test func `bytes after the end of a PNG file change nothing`() throws {
    let bytes = try ImageFixtures.bytes("rgb.png")
    let image = try RGBImage(decoding: bytes, file: "a")
    #expect(try RGBImage(decoding: bytes + [1, 2, 3], file: "b") == image)
  }

  @Test func `optional chunks of a PNG file are not looked at`() throws {
    let bytes = try ImageFixtures.bytes("rgb.png")
    let image = try RGBImage(decoding: bytes, file: "a")
    // A transparency chunk with a wrong checksum and a nonsensical length, right after the header.
    let chunk: [UInt8] = [0, 0, 0, 1] + Array("tRNS".utf8) + [9, 9, 9, 9, 9]
    let changed = Array(bytes[..<33]) + chunk + Array(bytes[33...])
    #expect(try RGBImage(decoding: changed, file: "b") == image)
  }
}
