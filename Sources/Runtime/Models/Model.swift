public import Quant

/// A model ready to run: its parts, its tokenizer, and how to execute it.
public struct Model: Sendable {
  /// What the model is made of.
  public let description: ModelDescription
  /// The language model, if there is one.
  public let language: LanguageModel?
  /// The vision encoders, in the order in which their features are joined.
  public let vision: [VisionModel]
  /// What stands between them and the language model.
  public let connector: Connector?
  /// The tokenizer, if the model came with one.
  public var tokenizer: Tokenizer?
  /// How it writes conversations, if the model came with that.
  public var chat: ChatFormat?
  /// How to execute it.
  public let context: ExecutionContext

  /// Builds the layers that a description asks for from weights.
  ///
  /// - Parameter withLanguage: whether the language model is loaded, if there is one.
  public init(
    _ weights: some WeightSource, _ description: ModelDescription, tokenizer: Tokenizer? = nil,
    context: ExecutionContext, withLanguage: Bool = true
  ) throws {
    try description.validate()
    self.description = description
    self.tokenizer = tokenizer
    self.context = context
    language =
      withLanguage ? try description.language.map { try LanguageModel(weights, $0) } : nil
    vision = try description.vision.enumerated().map { index, encoder in
      try VisionModel(weights, encoder, index: index)
    }
    connector = try description.connector.map { try Connector(weights, $0) }
  }

  /// What an image becomes.
  public struct EncodedImage: Sendable {
    /// The outputs of the vision encoder; of several, their features side by side.
    public let vision: VisionModel.Output
    /// Embeddings for the language model: `[tokens, width]`.
    public let embeddings: Matrix?
  }

  /// Encodes prepared pixels `[3, height, width]`, for a model with one vision encoder.
  public func encode(pixels: [Float], height: Int, width: Int) throws(ModelError) -> EncodedImage {
    try encode([PreparedImage(height: height, width: width, values: pixels)])
  }

  /// Encodes an image that was prepared for each vision encoder, in their order.
  public func encode(_ images: [PreparedImage]) throws(ModelError) -> EncodedImage {
    try requireVision("an image")
    guard images.count == vision.count else {
      throw .wrongImageCount(images.count, encoders: vision.count)
    }
    try requireGrid(images)
    var output: VisionModel.Output?
    for (index, (encoder, image)) in zip(vision, images).enumerated() {
      let next = try encoder.encode(image, name: inputName(index), context)
      output = output?.joined(with: next) ?? next
    }
    guard let output else { throw .missingPart("vision encoder", needed: "an image") }
    return EncodedImage(
      vision: output, embeddings: connector.map { $0(output.features, context) })
  }

  /// What the input for an encoder is called.
  private func inputName(_ index: Int) -> String {
    vision.count == 1 ? "pixel_values" : "pixel_values.\(index)"
  }

  /// Some connectors are laid out for one grid, and encoders side by side need the same.
  private func requireGrid(_ images: [PreparedImage]) throws(ModelError) {
    let grids = zip(vision, images).map { encoder, image in
      let side = encoder.shape.patchSize
      return PatchGrid(rows: image.height / side, columns: image.width / side)
    }
    guard let grid = description.connector?.grid ?? (grids.count > 1 ? grids.first : nil) else {
      return
    }
    for (index, (encoder, image)) in zip(vision, images).enumerated() where grids[index] != grid {
      let side = encoder.shape.patchSize
      throw .misshapenInput(
        inputName(index), found: [3, image.height, image.width],
        expected: "[3, \(grid.rows * side), \(grid.columns * side)]")
    }
  }

  /// Prepares and encodes an image.
  public func encode(_ image: RGBImage) throws -> EncodedImage {
    try requireVision("an image")
    guard !description.imageProcessors.isEmpty else {
      throw ModelError.missingPart(
        "preprocessor configuration", needed: "preparing an image")
    }
    return try encode(description.imageProcessors.map { try $0.prepare(image) })
  }

  /// The language model, or an error that says what for it is needed.
  public func requireLanguage(_ purpose: String) throws(ModelError) -> LanguageModel {
    guard let language else { throw .missingPart("language model", needed: purpose) }
    return language
  }

  /// An error that says what for a vision encoder is needed, if there is none.
  public func requireVision(_ purpose: String) throws(ModelError) {
    guard !vision.isEmpty else { throw .missingPart("vision encoder", needed: purpose) }
  }

  /// The tokenizer, or an error that says what for it is needed.
  public func requireTokenizer(_ purpose: String) throws(ModelError) -> Tokenizer {
    guard let tokenizer else { throw .missingPart("tokenizer", needed: purpose) }
    return tokenizer
  }
}
