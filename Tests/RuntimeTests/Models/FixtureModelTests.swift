import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

/// The committed models against outputs of other programs; see Tests/References/README.md.
@Suite struct FixtureModelTests {
  /// The references agree with each other to 2e-5. Measured here: 8e-6 and 5e-6.
  static let bound = 2e-5
  /// Prompts of these lengths, around the four tokens that are multiplied one by one.
  static let promptLengths = [1, 3, 4, 5, 19]
  static let engines: [ExecutionContext.EngineKind] = [.reference, .fast]

  private func load(
    _ name: String, _ engine: ExecutionContext.EngineKind,
    _ activations: ActivationPrecision = .float, _ state: StatePrecision = .fp32
  ) throws -> Model {
    try ModelLoader.load(
      path: Fixtures.model(name),
      context: ExecutionContext(engine: engine, activations: activations, state: state))
  }

  private func compare(
    _ found: [Float]?, _ expected: SafetensorsFile, _ name: String
  ) throws -> Bool {
    guard let values = try expected.floats(name) else { return false }
    let difference = Difference(found ?? [], from: values)
    #expect(difference.norm <= Self.bound, "\(name): \(difference)")
    return true
  }

  @Test func `there are fixtures of every kind`() {
    for prefix in ["mamba1-hf", "mamba1-ssm", "siglip", "vlmamba-linear", "vlmamba-vss"] {
      #expect(Fixtures.models.contains { $0.hasPrefix(prefix) })
    }
  }

  @Test(arguments: Fixtures.models, engines)
  func `a model gives the expected outputs`(
    name: String, engine: ExecutionContext.EngineKind
  ) throws {
    let model = try load(name, engine)
    let expected = try Fixtures.expected(name)
    let image = try encodeImage(expected, model)
    var compared = 0
    if try compare(image?.vision.features.values, expected, "vision_features") { compared += 1 }
    if try compare(image?.vision.pooled?.values, expected, "pooled") { compared += 1 }
    if try compare(image?.embeddings?.values, expected, "connector_output") { compared += 1 }
    let logits =
      try model.language.map { language in
        try self.logits(of: model, language, after: image?.embeddings, expected)
      } ?? image?.vision.classLogits
    if try compare(logits?.values, expected, "logits") { compared += 1 }
    let inputs = expected.tensors.keys.filter { ["input_ids", "pixel_values"].contains($0.text) }
    #expect(compared == expected.tensors.count - inputs.count)
  }

  private func encodeImage(
    _ expected: SafetensorsFile, _ model: Model
  ) throws -> Model.EncodedImage? {
    guard let pixels = try expected.floats("pixel_values"),
      let shape = expected.shape("pixel_values")
    else { return nil }
    return try model.encode(pixels: pixels, height: shape[1], width: shape[2])
  }

  /// Logits at the tokens of the text.
  private func logits(
    of model: Model, _ language: LanguageModel, after image: Matrix?, _ expected: SafetensorsFile
  ) throws -> Matrix {
    let ids = try #require(try expected.integers("input_ids"))
    var state = language.initialState
    if let image { _ = language.run(image, state: &state, model.context) }
    let hidden = language.run(try language.embed(ids), state: &state, model.context)
    return language.logits(hidden, model.context)
  }

  @Test(arguments: Fixtures.languageModels, engines)
  func `a prompt as a whole gives what its tokens give one by one`(
    name: String, engine: ExecutionContext.EngineKind
  ) throws {
    let model = try load(name, engine)
    let language = try #require(model.language)
    let ids = (0..<19).map { ($0 * 7 + 3) % language.shape.vocabularySize }
    for length in Self.promptLengths {
      let prompt = try language.embed(Array(ids.prefix(length)))
      var whole = language.initialState
      let prefilled = language.run(prompt, state: &whole, model.context)
      var stepwise = language.initialState
      var decoded = [Float]()
      for token in 0..<length {
        decoded +=
          language.run(
            prompt.rows(token..<token + 1), state: &stepwise, model.context
          ).values
      }
      let difference = Difference(prefilled.values, from: decoded)
      #expect(difference.norm <= 1e-5, "\(length) tokens: \(difference)")
      // The states agree too: the next token sees no difference.
      let next = try language.embed([1])
      let after = Difference(
        language.run(next, state: &whole, model.context).values,
        from: language.run(next, state: &stepwise, model.context).values)
      #expect(after.norm <= 1e-5, "after \(length) tokens: \(after)")
    }
  }

  @Test(arguments: Fixtures.languageModels, engines)
  func `a kept state can be continued again and again`(
    name: String, engine: ExecutionContext.EngineKind
  ) throws {
    let model = try load(name, engine)
    let language = try #require(model.language)
    var kept = language.initialState
    _ = language.run(try language.embed([3, 1, 4, 1, 5, 9]), state: &kept, model.context)
    let snapshot = kept
    func continued(_ ids: [Int]) throws -> Matrix {
      var state = kept
      return language.run(try language.embed(ids), state: &state, model.context)
    }
    let first = try continued([2, 6])
    _ = try continued([5, 3, 5, 8])
    #expect(try continued([2, 6]) == first)
    #expect(kept == snapshot)
    var whole = language.initialState
    let uninterrupted = language.run(
      try language.embed([3, 1, 4, 1, 5, 9, 2, 6]), state: &whole, model.context)
    let difference = Difference(first.values, from: uninterrupted.rows(6..<8).values)
    #expect(difference.norm <= 1e-5, "\(difference)")
  }

  @Test(arguments: Fixtures.languageModels, StatePrecision.allCases)
  func `a scan of bytes stays near the scan of floats`(
    name: String, state: StatePrecision
  ) throws {
    let expected = try Fixtures.expected(name)
    let model = try load(name, .fast, .a8, state)
    let language = try #require(model.language)
    let image = try encodeImage(expected, model)
    let found = try logits(of: model, language, after: image?.embeddings, expected)
    let difference = Difference(found.values, from: try #require(try expected.floats("logits")))
    // Random weights are harder than trained ones, whose scans keep 36 dB; 17.4 dB measured, 27 to 36 dB mostly.
    #expect(difference.signalToNoise >= 16, "\(difference.signalToNoise) dB")
    #expect(difference.norm > 0)
  }

  @Test func `the number of threads does not change a model's outputs`() throws {
    for name in ["vlmamba-vss-l2-csm", "mamba1-hf"] {
      let outputs = try [1, 2, 3].map { threads in
        let model = try ModelLoader.load(
          path: Fixtures.model(name), context: ExecutionContext(threads: threads))
        let expected = try Fixtures.expected(name)
        let image = try encodeImage(expected, model)
        return try logits(
          of: model, try #require(model.language), after: image?.embeddings, expected)
      }
      #expect(outputs[0] == outputs[1] && outputs[0] == outputs[2])
    }
  }

  @Test func `a token outside the vocabulary is refused`() throws {
    let language = try #require(try load("mamba1-hf", .fast).language)
    for id in [-1, 37, Int.max] {
      #expect(throws: ModelError.tokenOutsideVocabulary(id, vocabulary: 37)) {
        try language.embed([0, id])
      }
    }
  }

  @Test func `an image of another size is refused`() throws {
    let model = try load("siglip", .fast)
    let pixels = [Float](repeating: 0, count: 3 * 8 * 12)
    for (height, width, found) in [(3, 12, [8, 3, 12]), (12, 12, [2, 12, 12])] {
      #expect(
        throws: ModelError.misshapenInput(
          "pixel_values", found: found, expected: "[3, H, W] of 1 to 16384 patches of 4 × 4")
      ) { try model.encode(pixels: pixels, height: height, width: width) }
    }
  }

  @Test func `pixels beyond the last whole patch do not matter`() throws {
    let model = try load("siglip", .reference)
    let pixels = try #require(try Fixtures.expected("siglip").floats("pixel_values"))
    // 12 × 12 pixels with a border of ones at the right and below.
    var wide = [Float]()
    for row in 0..<36 {
      wide += pixels[row * 12..<row * 12 + 12] + [1, 1]
      if row % 12 == 11 { wide += [Float](repeating: 1, count: 14) }
    }
    let plain = try model.encode(pixels: pixels, height: 12, width: 12)
    let bordered = try model.encode(pixels: wide, height: 13, width: 14)
    #expect(bordered.vision.features == plain.vision.features)
  }

  @Test func `what a model lacks is named`() throws {
    let language = try load("mamba1-hf", .fast)
    #expect(throws: ModelError.missingPart("vision encoder", needed: "an image")) {
      try language.encode(pixels: [], height: 0, width: 0)
    }
    #expect(throws: ModelError.missingPart("tokenizer", needed: "a text")) {
      try language.requireTokenizer("a text")
    }
    let vision = try load("siglip", .fast)
    #expect(throws: ModelError.missingPart("language model", needed: "a text")) {
      try vision.requireLanguage("a text")
    }
    #expect(
      throws: ModelError.missingPart("preprocessor configuration", needed: "preparing an image")
    ) { try vision.encode(RGBImage(width: 1, height: 1, pixels: [0, 0, 0])) }
  }
}
