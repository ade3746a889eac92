import Convert
import Format
import Foundation
import Quant
import Runtime
import Testing

/// Trained models against outputs that Hugging Face transformers computed for them.
///
/// The models are larger than what belongs into a repository: set `VLM_CONVERT_GOLDEN` to a directory with `models`,
/// `golden` and `eval` to run these tests.
@Suite(.enabled(if: GoldenFiles.root != nil))
struct GoldenTests {
  /// Relative error ‖out − ref‖ / ‖ref‖. Both engines stay below 2e-6; single precision sums in another order
  /// differ by about as much.
  static let bound = 5e-6

  static let engines = ExecutionContext.EngineKind.allCases

  @Test(arguments: ["tiny-mamba", "small-mamba"], engines)
  func `logits of every prompt agree`(name: String, engine: ExecutionContext.EngineKind) throws {
    let golden = try GoldenFiles(name)
    let model = try golden.model(engine)
    for prompt in ["one", "five", "sentence", "unicode", "long700"] {
      let ids = try golden.integers("\(prompt).input_ids")
      let logits = try Self.logits(model, ids)
      let expected = try golden.floats("\(prompt).logits")
      let error = relativeError(logits.values.suffix(expected.count), expected)
      #expect(error < Self.bound, "\(prompt): \(error)")
      let best = (0..<logits.rows).map { logits.largest(inRow: $0) }
      #expect(try best == golden.integers("\(prompt).argmax"))
    }
  }

  @Test(arguments: ["tiny-mamba", "small-mamba"])
  func `greedy continuations are equal token for token`(name: String) throws {
    let golden = try GoldenFiles(name)
    let model = try golden.model(.fast)
    for prompt in ["five", "sentence", "long700"] {
      let expected = try golden.integers("\(prompt).greedy")
      let embeddings = try #require(model.language)
        .embed(golden.integers("\(prompt).input_ids"))
      var generation = try Generation(
        model, after: model.read(embeddings), sampler: Sampler(temperature: 0))
      var continuation = [Int]()
      while continuation.count < expected.count, let id = try generation.next() {
        continuation.append(id)
      }
      // Generation stops at the end of a text; the reference went on.
      #expect(continuation == Array(expected.prefix(continuation.count)))
      #expect(continuation.count == expected.count || expected[continuation.count] == 0)
    }
  }

  @Test(arguments: [1, 3, 4, 5, 700], engines)
  func `one token at a time gives what the whole prompt gives`(
    tokens: Int, engine: ExecutionContext.EngineKind
  ) throws {
    let golden = try GoldenFiles("tiny-mamba")
    let model = try golden.model(engine)
    let language = try #require(model.language)
    let ids = Array(try golden.integers("long700.input_ids").prefix(tokens))
    let whole = try Self.logits(model, ids)
    var state = language.initialState
    var last = [Float]()
    for id in ids {
      let hidden = try language.run(language.embed([id]), state: &state, model.context)
      last = language.logits(hidden, model.context).values
    }
    let error = relativeError(last, Array(whole.values.suffix(last.count)))
    #expect(error < 1e-5, "\(error)")
  }

  @Test(arguments: engines)
  func `a vision-language model agrees at every stage`(
    engine: ExecutionContext.EngineKind
  ) throws {
    let golden = try GoldenFiles("tiny-vl-mamba")
    let model = try golden.model(engine)
    let language = try #require(model.language)
    let pixels = try golden.floats("pixel_values")
    for image in 0..<3 {
      let encoded = try model.encode(
        pixels: golden.part(pixels, image, of: 3), height: 64, width: 64)
      let features = try golden.part(golden.floats("vision_selected"), image, of: 3)
      #expect(relativeError(encoded.vision.features.values, features) < Self.bound)
      let embeddings = try #require(encoded.embeddings)
      let connected = try golden.part(golden.floats("connector"), image, of: 3)
      #expect(relativeError(embeddings.values, connected) < Self.bound)
      for question in 0..<4 where golden.has("q\(image).\(question).logits") {
        let key = "q\(image).\(question)"
        var state = language.initialState
        _ = language.run(embeddings, state: &state, model.context)
        let ids = try language.embed(golden.integers(key + ".input_ids"))
        let logits = language.logits(
          language.run(ids, state: &state, model.context), model.context)
        let error = relativeError(logits.values, try golden.floats(key + ".logits"))
        #expect(error < Self.bound, "\(key): \(error)")
      }
    }
  }

  @Test func `images are answered as the reference answers them`() throws {
    let golden = try GoldenFiles("tiny-vl-mamba")
    let model = try golden.model(.fast)
    let set = try QuestionSet(path: golden.path("eval/vqa-64/vqa.jsonl"), limit: 200)
    let evaluation = try AnswerEvaluation(
      set, model: model, against: nil, threads: ThreadPool(threads: 2)
    ) { _, _ in }
    // Kinds that the model has learnt completely; the others are measured on the whole set.
    #expect(evaluation.kinds["color"]?.accuracy.mean == 1)
    #expect(evaluation.kinds["count"]?.accuracy.mean == 1)
  }

  @Test func `a classifier agrees on photos read from files`() throws {
    let golden = try GoldenFiles("tiny-siglip-cifar10")
    let model = try golden.model(.fast)
    let logits = try golden.floats("logits")
    let names = try golden.names("images")
    for index in stride(from: 0, to: names.count, by: 25) {
      let image = try RGBImage(contentsOf: golden.path("eval/vqa-64/" + names[index]))
      let output = try #require(model.encode(image).vision.classLogits)
      let expected = Array(logits[index * 10..<(index + 1) * 10])
      #expect(relativeError(output.values, expected) < Self.bound, "\(names[index])")
    }
  }

  /// Signal over what rounding to bytes adds, with weights of eight bits: every stage of a layer 38 decibels, the whole
  /// layer 36.
  @Test func `integer activations add little to any layer`() throws {
    let golden = try GoldenFiles("tiny-mamba")
    let model = try golden.encoded("q8", .a8)
    let text = try String(
      contentsOfFile: golden.path("eval/wikitext2-test.txt"), encoding: .utf8)
    let evaluation = try StageEvaluation(
      text, model: model, windows: TextWindows(beginning: 0), limit: 2,
      threads: ThreadPool(threads: 2)
    ) { _, _ in }
    #expect(evaluation.stages.count == 8 * 4 + 1)
    for stage in evaluation.stages where stage.layer != nil {
      let bound: Double = stage.stage == "output" ? 36 : 38
      #expect(try #require(stage.decibels) >= bound, "\(stage)")
    }
  }

  @Test func `integer activations add little to a connector that scans`() throws {
    let golden = try GoldenFiles("tiny-vl-mamba")
    let model = try golden.encoded("q8", .a8)
    let exact = ExecutionContext()
    let pixels = try golden.floats("pixel_values")
    for image in 0..<3 {
      let prepared = PreparedImage(
        height: 64, width: 64, values: golden.part(pixels, image, of: 3))
      let features = try model.encode([prepared]).vision.features
      let connector = try #require(model.connector)
      let (expected, found) = (connector(features, exact), connector(features, model.context))
      let decibels = -20 * log10(relativeError(found.values, expected.values))
      #expect(decibels >= 36, "\(decibels) dB")
    }
  }

  @Test func `perplexity of the first windows is that of the reference`() throws {
    let golden = try GoldenFiles("tiny-mamba")
    let model = try golden.model(.fast)
    let text = try String(
      contentsOfFile: golden.path("eval/wikitext2-test.txt"), encoding: .utf8)
    let evaluation = try TextEvaluation(
      text, model: model, against: nil, windows: TextWindows(beginning: 0), limit: 8,
      threads: ThreadPool(threads: 2)
    ) { _, _ in }
    #expect(evaluation.loss.count == 8184)
    // The reference measured 25.14015; 0.01 % of it is allowed.
    #expect(abs(evaluation.perplexity / 25.140151686492256 - 1) < 1e-4)
  }

  private static func logits(_ model: Model, _ ids: [Int]) throws -> Matrix {
    let language = try #require(model.language)
    var state = language.initialState
    let hidden = try language.run(language.embed(ids), state: &state, model.context)
    return language.logits(hidden, model.context)
  }
}

/// One model and its stored outputs.
struct GoldenFiles {
  static let root = ProcessInfo.processInfo.environment["VLM_CONVERT_GOLDEN"]

  private let name: String
  private let file: SafetensorsFile

  init(_ name: String) throws {
    self.name = name
    file = try SafetensorsFile(
      path: try #require(Self.root) + "/golden/\(name)/golden.safetensors")
  }

  func path(_ relative: String) throws -> String { try #require(Self.root) + "/" + relative }

  func model(_ engine: ExecutionContext.EngineKind) throws -> Model {
    try ModelLoader.load(
      path: path("models/" + name), context: ExecutionContext(engine: engine, threads: 2))
  }

  /// The model with its weights encoded as by a preset.
  func encoded(_ preset: String, _ activations: ActivationPrecision) throws -> Model {
    let checkpoint = try Checkpoint(directory: path("models/" + name))
    let plan = try ConversionPlan(checkpoint, recipe: Presets.named(preset))
    return try Model(
      ConversionTests.EncodedWeights(
        source: CheckpointWeightSource(checkpoint), plan: plan),
      plan.description, tokenizer: model(.fast).tokenizer,
      context: ExecutionContext(activations: activations))
  }

  func has(_ tensor: String) -> Bool { file.tensors[ExactString(tensor)] != nil }

  func floats(_ tensor: String) throws -> [Float] {
    try file.floats(of: #require(file.tensors[ExactString(tensor)]))
  }

  func integers(_ tensor: String) throws -> [Int] {
    try file.integers(of: #require(file.tensors[ExactString(tensor)]))
  }

  /// One of `count` equal parts.
  func part(_ values: [Float], _ index: Int, of count: Int) -> [Float] {
    let size = values.count / count
    return Array(values[index * size..<(index + 1) * size])
  }

  func names(_ key: String) throws -> [String] {
    let list = try JSON(parsing: Array(#require(file.metadata[key]).utf8))
    return try #require(list.arrayValue).compactMap(\.stringValue)
  }
}

/// ‖found − expected‖ / ‖expected‖.
func relativeError(_ found: some Collection<Float>, _ expected: [Float]) -> Double {
  guard found.count == expected.count else { return .infinity }
  var difference = 0.0
  var size = 0.0
  for (a, b) in zip(found, expected) {
    difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
    size += Double(b) * Double(b)
  }
  return (difference / size).squareRoot()
}
