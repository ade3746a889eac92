import Quant
import Testing

@testable import Runtime

/// What a benchmark does and how figures are made of it; never how fast it is.
@Suite struct ModelBenchmarkTests {
  @Test func `ids of the prompt lie in the vocabulary and are always the same`() {
    let ids = ModelBenchmark.ids(1000, vocabulary: 37)
    #expect(ids.count == 1000)
    #expect(Set(ids) == Set(0..<37))
    #expect(ModelBenchmark.ids(10, vocabulary: 37) == Array(ids.prefix(10)))
  }

  static let medians: [([Double], Double)] = [
    ([3], 3), ([1, 9], 5), ([9, 1, 2], 2), ([4, 1, 3, 100], 3.5),
  ]

  @Test(arguments: medians)
  func `a median lies in the middle`(values: [Double], expected: Double) {
    #expect(values.median == expected)
  }

  @Test func `every repetition is reported`() throws {
    let benchmark = ModelBenchmark(prompt: 7, decode: 2, repetitions: 3)
    var threads = [Int]()
    let result = try benchmark.run(threads: 2) { context in
      threads.append((context.engine as? FastEngine)?.pool.threads ?? 0)
      return try SampleModel.loadVisionLanguage()
    }
    #expect(threads == [2])
    #expect(result.threads == 2)
    #expect(result.language?.promptSpeeds.count == 3)
    #expect(result.language?.decodeSpeeds.count == 3)
    #expect(result.image?.seconds.count == 3)
    #expect(result.memory.peak >= result.memory.current && result.memory.current > 1 << 20)
    #expect(result.limits.byteOperations > 0)
  }

  @Test func `shares are what the model uses of what the machine has`() {
    let result = BenchmarkResult(
      threads: 1, loadSeconds: 1, weightBytes: 1,
      language: .init(
        firstTokenSeconds: 2, promptSpeeds: [100, 300, 200], decodeSpeeds: [10, 30, 20],
        multiplicationsPerPromptToken: 1000, bytesPerDecodedToken: 50),
      image: .init(seconds: [0.5, 0.25, 1], multiplications: 100_000),
      memory: .now, limits: MachineLimits(bandwidth: 4000, byteOperations: 1_000_000))
    #expect(result.bandwidthShare == 0.25)
    #expect(result.promptShare == 0.4)
    #expect(result.imageShare == 0.4)
  }

  @Test func `without a part there is no share of it`() {
    let result = BenchmarkResult(
      threads: 1, loadSeconds: 1, weightBytes: 1, language: nil, image: nil, memory: .now,
      limits: MachineLimits(bandwidth: nil, byteOperations: 1))
    #expect(result.bandwidthShare == nil)
    #expect(result.promptShare == nil)
    #expect(result.imageShare == nil)
  }

  @Test func `the noise of an image has the size of the encoder's grid`() throws {
    let model = try VisionModel(SampleWeights(), SampleModel.vision)
    let image = model.nativeNoise
    #expect([image.height, image.width, image.values.count] == [6, 4, 72])
    #expect(image == model.nativeNoise)
    #expect(image.values.allSatisfy { (-1..<1).contains($0) })
    #expect(Set(image.values).count > 60)
  }
}
