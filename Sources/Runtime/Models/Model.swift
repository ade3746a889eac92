public import Quant

/// A model ready to run: its parts, its tokenizer, and how to execute it.
public struct Model: Sendable {
  /// What the model is made of.
  public let description: ModelDescription
  /// The language model, if there is one.
  public let language: LanguageModel?
  /// The vision encoder, if there is one.
  public let vision: VisionModel?
  /// What joins the two.
  public let connector: Connector?
  /// The tokenizer, if the model came with one.
  public let tokenizer: Tokenizer?
  /// How to execute it.
  public let context: ExecutionContext

  /// Builds the layers that a description asks for from weights.
  public init(
    _ weights: some WeightSource, _ description: ModelDescription, tokenizer: Tokenizer?,
    context: ExecutionContext
  ) throws {
    try description.validate()
    self.description = description
    self.tokenizer = tokenizer
    self.context = context
    language = try description.language.map { try LanguageModel(weights, $0) }
    vision = try description.vision.first.map { try VisionModel(weights, $0) }
    connector = try description.connector.map { try Connector(weights, $0) }
  }

  /// What an image becomes.
  public struct EncodedImage: Sendable {
    /// The outputs of the vision encoder.
    public let vision: VisionModel.Output
    /// Embeddings for the language model: `[tokens, width]`.
    public let embeddings: Matrix?
  }

  /// Encodes prepared pixels `[3, height, width]`.
  public func encode(pixels: [Float], height: Int, width: Int) throws(ModelError) -> EncodedImage {
    let vision = try requireVision("an image")
    if let scan = description.connector?.scan {
      // The paths of a scan are laid out for one grid.
      let side = vision.shape.patchSize
      guard (height / side, width / side) == (scan.gridRows, scan.gridColumns) else {
        throw .misshapenInput(
          "pixel_values", found: [3, height, width],
          expected: "[3, \(scan.gridRows * side), \(scan.gridColumns * side)]")
      }
    }
    let output = try vision.encode(
      pixels: pixels, height: height, width: width, context)
    return EncodedImage(
      vision: output, embeddings: connector.map { $0(output.features, context) })
  }

  /// Prepares and encodes an image.
  public func encode(_ image: RGBImage) throws -> EncodedImage {
    guard let processor = description.imageProcessor else {
      throw ModelError.missingPart(
        "preprocessor configuration", needed: "preparing an image")
    }
    let prepared = try processor.prepare(image)
    return try encode(pixels: prepared.values, height: prepared.height, width: prepared.width)
  }

  /// The language model, or an error that says what for it is needed.
  public func requireLanguage(_ purpose: String) throws(ModelError) -> LanguageModel {
    guard let language else { throw .missingPart("language model", needed: purpose) }
    return language
  }

  /// The vision encoder, or an error that says what for it is needed.
  public func requireVision(_ purpose: String) throws(ModelError) -> VisionModel {
    guard let vision else { throw .missingPart("vision encoder", needed: purpose) }
    return vision
  }

  /// The tokenizer, or an error that says what for it is needed.
  public func requireTokenizer(_ purpose: String) throws(ModelError) -> Tokenizer {
    guard let tokenizer else { throw .missingPart("tokenizer", needed: purpose) }
    return tokenizer
  }
}
