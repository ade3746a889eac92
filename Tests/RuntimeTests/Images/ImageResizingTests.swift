import Testing

@testable import Runtime

struct ImageResizingCase: Decodable, Sendable, CustomTestStringConvertible {
  let source: [Int]
  let target: [Int]
  let filter: ResampleFilter
  let pixels: String?
  let hash: String?

  var testDescription: String { "\(source) to \(target), \(filter)" }
}

@Suite struct ImageResizingTests {
  @Test(arguments: ImageFixtures.cases("resizing.json") as [ImageResizingCase])
  func `resizing gives the bytes of Pillow`(_ expected: ImageResizingCase) throws {
    let image = try ImageFixtures.pattern(
      width: expected.source[0], height: expected.source[1], seed: 1)
    let result = try image.resized(
      width: expected.target[0], height: expected.target[1], filter: expected.filter)
    #expect(result.width == expected.target[0])
    #expect(result.height == expected.target[1])
    if let pixels = expected.pixels {
      #expect(try result.pixels == ImageFixtures.bytes(base64: pixels))
    } else {
      #expect(ImageFixtures.hash(result.pixels) == expected.hash)
    }
  }

  @Test(arguments: ResampleFilter.allCases, [1, 2, 255, 256])
  func `one colour stays that colour`(filter: ResampleFilter, length: Int) throws {
    let image = try RGBImage(
      width: length, height: 3, pixels: (0..<length * 3).flatMap { _ in [7, 130, 255] })
    let result = try image.resized(width: 31, height: 5, filter: filter)
    #expect(result.pixels == (0..<31 * 5).flatMap { _ in [7, 130, 255] })
  }

  @Test(arguments: ResampleFilter.allCases)
  func `the weights of a pixel add up to one`(filter: ResampleFilter) {
    let weights = ResampleWeights(filter: filter, from: 97, to: 41)
    for position in 0..<41 {
      let first = position * weights.stride
      let sum = weights.weights[first..<first + weights.stride].reduce(0) { $0 + Int($1) }
      // Each weight is rounded by at most half a unit.
      #expect(abs(sum - 1 << ResampleWeights.precision) <= weights.stride / 2)
      #expect(weights.starts[position] + weights.counts[position] <= 97)
    }
  }

  @Test func `a result that is too large is refused`() throws {
    let image = try ImageFixtures.pattern(width: 2, height: 2, seed: 1)
    #expect(
      throws: ImageError.preparedTooLarge(
        step: "resizing", width: 20_000, height: 20_000, limit: ImageLimits.pixels)
    ) { try image.resized(width: 20_000, height: 20_000, filter: .bicubic) }
  }
}
