import Format
import Testing

@testable import Runtime

struct ImagePipelineCase: Sendable, CustomTestStringConvertible {
  let content: JSON

  var testDescription: String { content["name"]?.stringValue ?? "?" }
  var configuration: JSON { content["configuration"] ?? .null }
  func number(_ key: String, at index: Int? = nil) throws -> Int {
    let value = index.flatMap { content[key]?.arrayValue?[$0] } ?? content[key]
    return try #require(value?.intValue)
  }
  var source: RGBImage {
    get throws {
      try ImageFixtures.pattern(
        width: number("source", at: 0), height: number("source", at: 1), seed: 2)
    }
  }
}

@Suite struct ImageProcessorTests {
  static let cases: [ImagePipelineCase] = {
    let text = (try? ImageFixtures.bytes("pipelines.json")) ?? []
    return ((try? JSON(parsing: text))?.arrayValue ?? []).map { ImagePipelineCase(content: $0) }
  }()

  @Test func `the pipelines are there`() { #expect(Self.cases.count >= 13) }

  /// Every operation of the pipeline is rounded as IEEE 754 says, in the same order, so the bits are the same.
  @Test(arguments: cases)
  func `a prepared image has the values of Transformers`(_ expected: ImagePipelineCase) throws {
    let processor = try ImageProcessor(configuration: expected.configuration, file: "a")
    let prepared = try processor.prepare(expected.source)
    #expect(prepared.channels == 3)
    #expect(try prepared.height == expected.number("height"))
    #expect(try prepared.width == expected.number("width"))
    let bytes = ImageFixtures.bytes(of: prepared.values)
    if let values = expected.content["values"]?.stringValue {
      #expect(try bytes == ImageFixtures.bytes(base64: values))
    } else {
      #expect(ImageFixtures.hash(bytes) == expected.content["hash"]?.stringValue)
    }
  }

  @Test(arguments: cases)
  func `a processor survives being written as JSON`(_ expected: ImagePipelineCase) throws {
    let processor = try ImageProcessor(configuration: expected.configuration, file: "a")
    #expect(try JSON(encoding: processor).decode(as: ImageProcessor.self) == processor)
  }

  static let configuration = JSON.dictionary([
    "size": .integer(8), "image_mean": .array([.number(0.5), .number(0.25), .integer(1)]),
    "image_std": .array([.number(0.5), .number(0.5), .integer(2)]),
  ])

  @Test func `the JSON form is plain`() throws {
    let processor = try ImageProcessor(
      configuration: Self.configuration, file: "a", aspectRatio: .pad)
    let text = try JSON(encoding: processor).canonicalText
    #expect(
      text == """
        {"aspectRatio":"pad","convertsToRGB":true,"normalization":{"mean":[0.5,0.25,1],\
        "standardDeviation":[0.5,0.5,2]},"resample":"bicubic","rescaleFactor":0.00392156862745098,\
        "resize":{"shortestEdge":{"length":8}}}
        """)
  }

  @Test func `padding is filled with the mean and comes before resizing`() throws {
    let processor = try ImageProcessor(
      configuration: Self.configuration, file: "a", aspectRatio: .pad)
    let image = try RGBImage(
      width: 8, height: 1, pixels: [UInt8](repeating: 200, count: 24))
    let prepared = try processor.prepare(image)
    #expect(prepared.height == 8 && prepared.width == 8)
    // Seven rows to share: three above the image, four below. int(255 · 0.25) is 63.
    let column = (0..<8).map { prepared.values[64 + $0 * 8] }
    let fill = (Float(63.0 / 255) - 0.25) / 0.5
    let level = (Float(200.0 / 255) - 0.25) / 0.5
    #expect(column == [fill, fill, fill, level, fill, fill, fill, fill])
  }

  @Test func `an image that would become too large is refused`() throws {
    let processor = try ImageProcessor(configuration: Self.configuration, file: "a")
    let line = try RGBImage(
      width: 65_535, height: 1, pixels: [UInt8](repeating: 0, count: 3 * 65_535))
    #expect(throws: Never.self) { try processor.prepare(line) }
    let padding = try ImageProcessor(
      configuration: Self.configuration, file: "a", aspectRatio: .pad)
    #expect(
      throws: ImageError.preparedTooLarge(
        step: "padding to a square", width: 65_535, height: 65_535, limit: ImageLimits.pixels)
    ) { try padding.prepare(line) }
    let same = try ImageProcessor(
      configuration: .dictionary(["do_resize": .bool(false), "do_normalize": .bool(false)]),
      file: "a")
    let large = try RGBImage(
      width: 4_097, height: 4_096, pixels: [UInt8](repeating: 0, count: 3 * 4_097 * 4_096))
    #expect(
      throws: ImageError.preparedTooLarge(
        step: "preparing", width: 4_097, height: 4_096, limit: ImageLimits.preparedPixels)
    ) { try same.prepare(large) }
  }
}
