import Format
import Foundation
import Testing

@testable import Runtime

@Suite struct ImageErrorTests {
  /// A PNG header chunk; its checksum is not looked at before its content.
  static func header(width: UInt32, height: UInt32, name: String = "IHDR", length: UInt8 = 13)
    -> [UInt8]
  {
    let numbers = [width, height].flatMap { n in (0..<4).map { UInt8(n >> (24 - 8 * $0) & 255) } }
    let fields = numbers + [8, 2, 0, 0, 0]
    return PNGStructure.signature + [0, 0, 0, length] + Array(name.utf8)
      + fields.prefix(Int(length)) + [0, 0, 0, 0]
  }

  static func error(_ bytes: [UInt8]) -> ImageError? {
    #expect(throws: ImageError.self) { try RGBImage(decoding: bytes, file: "a.png") }
  }

  @Test func `a file that does not exist is refused`() {
    #expect(throws: ImageError.unreadable(file: "/nowhere/a.png")) {
      try RGBImage(contentsOf: "/nowhere/a.png")
    }
  }

  @Test func `a folder is refused`() {
    let folder = ImageFixtures.folder.path
    #expect(throws: ImageError.unreadable(file: folder)) { try RGBImage(contentsOf: folder) }
  }

  @Test(arguments: [[], [0x89], Array("GIF89a".utf8), Array("RIFF".utf8), [0xFF, 0xD8]])
  func `other formats are refused`(bytes: [UInt8]) {
    #expect(Self.error(bytes) == .unknownFormat(file: "a.png"))
  }

  @Test func `a file that is too long is refused`() {
    let bytes = [UInt8](repeating: 0xFF, count: ImageLimits.fileBytes + 1)
    #expect(Self.error(bytes) == .fileTooLarge(file: "a.png", limit: ImageLimits.fileBytes))
  }

  @Test(arguments: [(65_536, 1), (1, 65_536), (20_000, 20_000), (UInt32.max, UInt32.max)])
  func `a PNG file that declares too many pixels is refused`(width: UInt32, height: UInt32) {
    #expect(
      Self.error(Self.header(width: width, height: height))
        == .tooManyPixels(file: "a.png", width: Int(width), height: Int(height)))
  }

  @Test func `a JPEG file that declares too many pixels is refused`() throws {
    var bytes = try ImageFixtures.bytes("grey.jpg")
    let frame = try #require(bytes.indices.first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0x00, 0xFF, 0x00])
    #expect(Self.error(bytes) == .tooManyPixels(file: "a.png", width: 0xFF00, height: 0xFF00))
  }

  @Test(arguments: [
    header(width: 0, height: 5), header(width: 5, height: 0),
    header(width: 5, height: 5, name: "IDAT"), header(width: 5, height: 5, length: 12),
    header(width: 5, height: 5) + [0, 0, 0, 0] + Array("ABCD".utf8) + [0, 0, 0, 0],
    header(width: 5, height: 5) + [0xFF, 0xFF, 0xFF, 0xFF] + Array("IDAT".utf8) + [0, 0, 0, 0],
  ])
  func `a PNG file with a broken structure is refused`(bytes: [UInt8]) {
    guard case .corrupt("a.png", _) = Self.error(bytes) else {
      Issue.record("not refused as corrupt")
      return
    }
  }

  @Test(arguments: [
    "rgb.png", "rgb-16-bit-interlaced.png", "palette-4-bit.png", "quarter-chroma.jpg",
    "progressive.jpg", "grey.jpg", "cmyk.jpg",
  ])
  func `a file that ends early is refused wherever it ends`(file: String) throws {
    let bytes = try ImageFixtures.bytes(file)
    for length in 0..<bytes.count {
      #expect(throws: ImageError.self, "cut to \(length) of \(bytes.count) bytes") {
        try RGBImage(decoding: Array(bytes.prefix(length)), file: file)
      }
    }
  }

  @Test(arguments: ["rgb.png", "rgb-interlaced.png", "palette-8-bit.png", "grey-alpha-16-bit.png"])
  func `a PNG file with a changed byte is refused or does not depend on it`(file: String) throws {
    let bytes = try ImageFixtures.bytes(file)
    let image = try RGBImage(decoding: bytes, file: file)
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 0x41
      let result = try? RGBImage(decoding: changed, file: file)
      #expect(result == nil || result == image, "byte \(index) changed")
    }
  }

  /// JPEG has no checksums: a changed byte may go unnoticed, but the size stays within the limits.
  @Test(
    arguments: ["quarter-chroma.jpg", "progressive.jpg", "cmyk.jpg", "one-pixel.jpg"],
    [0x01, 0x80, 0xFF])
  func `a JPEG file with a changed byte never breaks the decoder`(file: String, mask: UInt8) throws
  {
    let bytes = try ImageFixtures.bytes(file)
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= mask
      guard let image = try? RGBImage(decoding: changed, file: file) else { continue }
      #expect(image.pixels.count == image.width * image.height * 3)
      #expect(ImageLimits.accepts(width: image.width, height: image.height))
    }
  }

  @Test(arguments: [(2, 2, 11), (0, 0, 0), (-1, -1, 3), (65_536, 1, 196_608)])
  func `pixels that do not fit the size are refused`(width: Int, height: Int, count: Int) {
    #expect(throws: ImageError.pixelCount(found: count, width: width, height: height)) {
      try RGBImage(width: width, height: height, pixels: [UInt8](repeating: 0, count: count))
    }
  }

  static let sentences: [(error: ImageError, kind: FailureKind, text: String)] = [
    (
      .configuration(file: "p.json", key: "size", found: "0", expected: "more"), .badInput,
      "“size” of p.json is 0, expected more"
    ),
    (
      .corrupt(file: "a.png", reason: "bad CRC"), .badInput,
      "a.png is no intact image: bad CRC"
    ),
    (
      .fileTooLarge(file: "a.png", limit: 5), .limitExceeded,
      "image file a.png is larger than the accepted 5 bytes"
    ),
    (
      .pixelCount(found: 1, width: 2, height: 3), .badInput,
      "1 bytes do not make 2 × 3 pixels of three bytes"
    ),
    (
      .preparedTooLarge(step: "resizing", width: 2, height: 3, limit: 5), .limitExceeded,
      "resizing would make an image of 2 × 3 pixels, more than the accepted 5"
    ),
    (
      .tooManyPixels(file: "a.png", width: 70_000, height: 1), .limitExceeded,
      "image a.png of 70000 × 1 pixels is larger than accepted: 100000000 pixels, 65535 a side"
    ),
    (.unknownFormat(file: "a.gif"), .badInput, "a.gif is neither a PNG nor a JPEG file"),
    (
      .unreadable(file: "a.png"), .missingInput,
      "image file a.png does not exist or cannot be read"
    ),
  ]

  @Test(arguments: sentences)
  func `an error is one sentence and knows the exit code`(
    error: ImageError, kind: FailureKind, text: String
  ) {
    #expect(error.description == text)
    #expect(error.kind == kind)
  }
}
