import Quant

/// Measures how fast a model loads, reads a prompt, decodes and encodes an image.
///
/// The work is the same in every run: the ids of the prompt are pseudo-random, decoding goes on from there
/// with the most likely token and does not stop at the end of a text, the image is noise of the size that the
/// encoders are made for.
public struct ModelBenchmark: Sendable {
  /// Tokens of the prompt.
  public let prompt: Int
  /// Tokens decoded one by one after it.
  public let decode: Int
  /// How often all of it is done.
  public let repetitions: Int

  /// Describes the work.
  ///
  /// - Precondition: all of them are at least one.
  public init(prompt: Int, decode: Int, repetitions: Int) {
    precondition(min(prompt, decode, repetitions) >= 1, "there must be work to measure")
    self.prompt = prompt
    self.decode = decode
    self.repetitions = repetitions
  }

  /// Loads a model and measures it, then the machine on as many threads.
  ///
  /// - Parameter load: opens the model for the context that it is given.
  public func run(
    engine: ExecutionContext.EngineKind = .fast,
    activations: ActivationPrecision = .float, state: StatePrecision = .fp32, threads: Int,
    load: (ExecutionContext) throws -> Model
  ) throws -> BenchmarkResult {
    ResidentMemory.forgetPeak()
    let context = ExecutionContext(
      engine: engine, activations: activations, state: state, threads: threads)
    let start = ContinuousClock.now
    let model = try load(context)
    let loadSeconds = (ContinuousClock.now - start).inSeconds
    let language = try model.language.map { try measure($0, context, loadSeconds) }
    let image = try model.imageMultiplications.map { try measureImage(model, $0) }
    // The measurement of the machine takes memory of its own.
    let memory = ResidentMemory.now
    return BenchmarkResult(
      threads: threads, loadSeconds: loadSeconds, weightBytes: model.weightBytes,
      language: language, image: image, memory: memory,
      limits: MachineLimits.measure(threads: ThreadPool(threads: threads)))
  }

  private func measure(
    _ language: LanguageModel, _ context: ExecutionContext, _ loadSeconds: Double
  ) throws -> BenchmarkResult.Language {
    let ids = Self.ids(prompt, vocabulary: language.shape.vocabularySize)
    var promptSpeeds = [Double]()
    var decodeSpeeds = [Double]()
    var run = DecodingRun(language, context)
    let firstToken = try seconds { try run.read(ids) }
    for _ in 0..<repetitions {
      run = DecodingRun(language, context)
      promptSpeeds.append(Double(prompt) / (try seconds { try run.read(ids) }))
      decodeSpeeds.append(
        Double(decode) / (try seconds { for _ in 0..<decode { try run.step() } }))
    }
    return BenchmarkResult.Language(
      firstTokenSeconds: loadSeconds + firstToken,
      promptSpeeds: promptSpeeds, decodeSpeeds: decodeSpeeds,
      multiplicationsPerPromptToken:
        Double(language.multiplications(prompt: prompt)) / Double(prompt),
      bytesPerDecodedToken: language.multipliedBytes)
  }

  private func measureImage(
    _ model: Model, _ multiplications: Int
  ) throws -> BenchmarkResult.Image {
    let images = model.vision.map(\.nativeNoise)
    _ = try model.encode(images)
    return BenchmarkResult.Image(
      seconds: try (0..<repetitions).map { _ in try seconds { _ = try model.encode(images) } },
      multiplications: multiplications)
  }

  /// Ids of a linear congruential sequence (Knuth's MMIX), the same in every run.
  static func ids(_ count: Int, vocabulary: Int) -> [Int] {
    var state: UInt64 = 0
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(1, vocabulary)
    }
  }
}

/// A model that decodes and never stops.
private struct DecodingRun {
  private let language: LanguageModel
  private let context: ExecutionContext
  private var state: LanguageModel.State
  private var sampler = Sampler(temperature: 0)
  private var id = 0

  init(_ language: LanguageModel, _ context: ExecutionContext) {
    self.language = language
    self.context = context
    state = language.initialState
  }

  /// Reads ids and chooses the token after them.
  mutating func read(_ ids: [Int]) throws {
    let hidden = language.run(try language.embed(ids), state: &state, context)
    let logits = language.logits(hidden.rows(hidden.rows - 1..<hidden.rows), context)
    id = sampler.choose(logits.values, count: logits.columns)
  }

  /// Reads the token chosen last and chooses the one after it.
  mutating func step() throws { try read([id]) }
}
