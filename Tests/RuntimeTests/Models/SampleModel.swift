import Format
import Quant
import Runtime
import TestSupport

/// Weights made up from their names, for models without files.
struct SampleWeights: WeightSource {
  /// Added to every seed.
  var seed: UInt64 = 0
  /// Applied to every matrix of more than one row; nothing keeps floats.
  var encoding: (any Encoding)?
  /// Values for tensors that are not to be made up: each element has this one.
  var constants = [String: @Sendable (_ row: Int) -> Float]()

  func matrix(_ name: String, rows: Int, columns: Int) throws -> EncodedMatrix {
    if let value = constants[name] {
      let values = (0..<rows).flatMap { [Float](repeating: value($0), count: columns) }
      return try EncodedMatrix(
        Matrix(rows: rows, columns: columns, values: values), encoding: FloatEncoding.f32)
    }
    let seed = name.utf8.reduce(seed &+ 7) { $0 &* 31 &+ UInt64($1) }
    var matrix = Matrix.noise(
      rows: rows, columns: columns, seed: seed,
      deviation: rows == 1 ? 0.2 : 1 / Double(columns).squareRoot())
    if name.contains("ormalization.weight") || name.hasSuffix("skip") {
      for index in matrix.values.indices { matrix.values[index] += 1 }
    }
    let chosen = rows > 1 ? encoding : nil
    return try EncodedMatrix(matrix, encoding: chosen ?? FloatEncoding.f32)
  }
}

/// Small models with weights made up from names.
enum SampleModel {
  static let mixer = MambaMixerDescription(
    width: 16, innerWidth: 24, stateSize: 4, timeStepRank: 2, convolutionWidth: 4,
    hasProjectionBias: false, hasConvolutionBias: true)

  /// A language model whose vocabulary is that of the tokenizer of bytes, padded.
  static let language = LanguageDescription(
    width: 16, layers: [LayerDescription](repeating: .init(mixer: .mamba(mixer)), count: 2),
    vocabularySize: 264, normalization: .rms, epsilon: 1e-5, hasTiedHead: false, endOfText: [0])

  static let vision = VisionDescription(
    kind: .siglip, width: 12, feedForwardWidth: 20, layers: 2, heads: 3, patchSize: 2,
    gridRows: 3, gridColumns: 2, activation: .geluTanh, epsilon: 1e-6, hasPoolingHead: false)

  /// A connector with a scan, which has every member.
  static let connector = ConnectorDescription(
    kind: .scanLinear, inputWidth: 12, outputWidth: 16,
    scan: GridScanDescription(
      kind: .gridScan, paths: .cross, merge: .sum,
      mixer: MambaMixerDescription(
        width: 10, innerWidth: 20, stateSize: 3, timeStepRank: 1, convolutionWidth: 3,
        hasProjectionBias: false, hasConvolutionBias: true),
      gridRows: 3, gridColumns: 2),
    normalization: .layer)

  /// All parts of a vision-language model but the preparation of images.
  static var description: ModelDescription {
    var encoder = vision
    encoder.selectedLayer = -2
    return ModelDescription(
      profile: "vlmamba", language: language, vision: [encoder], connector: connector,
      prompt: PromptDescription(prefix: "Q: ", suffix: " A:"))
  }

  static func tokenizer() throws -> Tokenizer {
    try Tokenizer(parsing: Array(SampleTokenizer.definition().utf8), file: "tokenizer.json")
  }

  /// Prepares images for the sample's encoder: 6 × 4 pixels.
  static func imageProcessor() throws -> ImageProcessor {
    try ImageProcessor(
      configuration: .dictionary([
        "image_processor_type": .string("SiglipImageProcessor"), "do_resize": .bool(true),
        "size": .dictionary(["height": .integer(6), "width": .integer(4)]),
        "resample": .integer(2), "do_rescale": .bool(true), "rescale_factor": .number(1 / 255.0),
        "do_normalize": .bool(true),
        "image_mean": .array([.number(0.5), .number(0.5), .number(0.5)]),
        "image_std": .array([.number(0.5), .number(0.5), .number(0.5)]),
      ]), file: "preprocessor_config.json", aspectRatio: nil)
  }

  /// A vision-language model with tokenizer and preparation of images.
  static func loadVisionLanguage(
    _ weights: SampleWeights = SampleWeights(),
    change: (inout ModelDescription) -> Void = { _ in }
  ) throws -> Model {
    var description = description
    description.imageProcessors = [try imageProcessor()]
    change(&description)
    return try Model(
      weights, description, tokenizer: tokenizer(), context: ExecutionContext())
  }

  /// A language model with its tokenizer.
  static func load(
    _ weights: SampleWeights = SampleWeights(), context: ExecutionContext = ExecutionContext()
  ) throws -> Model {
    try Model(
      weights, ModelDescription(profile: "mamba1-hf", language: language),
      tokenizer: tokenizer(), context: context)
  }
}
