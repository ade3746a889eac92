import ArgumentParser
import Convert
import Format
import Quant
import Runtime

struct ForwardCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forward",
    abstract: "Run a model on tensors and write its outputs as tensors.",
    discussion: """
      Input: input_ids, int32 or int64 [T], and pixel_values, float32 [3, H, W], already prepared; \
      for a model with several vision encoders pixel_values.0, pixel_values.1 and so on. \
      Image tokens come before the text. Output, float32: logits [T, V] of the text positions, \
      vision_features, connector_output, and pooled and logits of a vision encoder that stands alone.
      """)

  @Argument(help: "Checkpoint directory or pack.")
  var model: String

  @Option(help: ArgumentHelp("A safetensors file.", valueName: "file"))
  var input: String

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp("The safetensors file to write.", valueName: "file"))
  var output: String

  @Flag(help: "Feed tokens one by one, as in generation, instead of all at once.")
  var stepByStep = false

  @Flag(help: "Replace an existing output.")
  var force = false

  @OptionGroup var towers: VisionOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var memory: ResidentOptions
  @OptionGroup var threads: ThreadOptions

  func run() throws {
    try reportingFailures {
      if !force, FileSystem.exists(output) { throw FormatError.outputExists(file: output) }
      let inputs = try ForwardInputs(path: input)
      let model = try ModelLoader.load(
        path: model, vision: towers.vision, resident: memory.resident,
        context: execution.context(threads: threads.count))
      let results = try ForwardPass(model, stepByStep: stepByStep).run(inputs)
      var writer = try SafetensorsWriter(
        path: output,
        tensors: results.map { ($0.name, .f32, [$0.values.rows, $0.values.columns]) },
        metadata: [:], overwrite: force)
      for result in results { try writer.append(result.values.littleEndianBytes) }
      try writer.publish()
    }
  }
}

/// The tensors that a forward pass reads.
struct ForwardInputs {
  let ids: [Int]?
  /// The image, prepared for each vision encoder; none without an image.
  let images: [PreparedImage]

  init(path: String) throws {
    let file = try SafetensorsFile(path: path)
    ids = try file.tensors["input_ids"].map { tensor in
      guard tensor.shape.count == 1 else {
        throw ModelError.misshapenInput("input_ids", found: tensor.shape, expected: "[T]")
      }
      return try file.integers(of: tensor)
    }
    let names = Self.imageNames(file)
    images = try names.compactMap { file.tensors[ExactString($0)] }.map { tensor in
      guard tensor.shape.count == 3, tensor.shape[0] == 3 else {
        throw ModelError.misshapenInput(tensor.name, found: tensor.shape, expected: "[3, H, W]")
      }
      return PreparedImage(
        height: tensor.shape[1], width: tensor.shape[2], values: try file.floats(of: tensor))
    }
    guard ids != nil || !images.isEmpty, images.count == names.count else {
      throw FormatError.malformed(
        file: path, item: "the list of tensors",
        found: file.tensors.keys.map(\.text).sorted().joined(separator: ", "),
        expected:
          "input_ids, pixel_values or both; pixel_values.0, pixel_values.1 and so on for several encoders"
      )
    }
  }

  /// `pixel_values`, or `pixel_values.0`, `pixel_values.1` and so on, as many as tensors begin like that.
  private static func imageNames(_ file: SafetensorsFile) -> [String] {
    let count = file.tensors.keys.filter { $0.text.hasPrefix("pixel_values") }.count
    if count == 1, file.tensors["pixel_values"] != nil { return ["pixel_values"] }
    return (0..<count).map { "pixel_values.\($0)" }
  }
}

/// Runs a model on given tensors.
struct ForwardPass {
  private let model: Model
  private let stepByStep: Bool

  init(_ model: Model, stepByStep: Bool) {
    self.model = model
    self.stepByStep = stepByStep
  }

  func run(_ inputs: ForwardInputs) throws -> [(name: String, values: Matrix)] {
    var results = [(name: String, values: Matrix)]()
    var embeddings: Matrix?
    if !inputs.images.isEmpty {
      let image = try model.encode(inputs.images)
      results.append(("vision_features", image.vision.features))
      if let pooled = image.vision.pooled { results.append(("pooled", pooled)) }
      if let logits = image.vision.classLogits { results.append(("logits", logits)) }
      if let connected = image.embeddings { results.append(("connector_output", connected)) }
      embeddings = image.embeddings
    }
    if let ids = inputs.ids { results.append(("logits", try logits(ids, after: embeddings))) }
    return results.sorted { $0.name < $1.name }
  }

  private func logits(_ ids: [Int], after image: Matrix?) throws -> Matrix {
    let language = try model.requireLanguage("input_ids")
    var state = language.initialState
    if let image { _ = language.run(image, state: &state, model.context) }
    let embeddings = try language.embed(ids)
    guard stepByStep else {
      return language.logits(language.run(embeddings, state: &state, model.context), model.context)
    }
    let hidden = language.runStepwise(embeddings, state: &state, model.context)
    let values = (0..<ids.count).flatMap { token in
      language.logits(hidden.rows(token..<token + 1), model.context).values
    }
    return Matrix(rows: ids.count, columns: language.shape.vocabularySize, values: values)
  }
}
