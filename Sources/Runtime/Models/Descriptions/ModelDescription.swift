/// What a model is made of: data, not code. It is stored in the pack, and layers are built from it.
public struct ModelDescription: Codable, Sendable, Equatable {
  /// The layout of the checkpoint that this model came from, for example `mamba1-hf`.
  public var profile: String
  /// The language model, if there is one.
  public var language: LanguageDescription?
  /// Vision encoders, in the order in which their features are joined.
  public var vision: [VisionDescription]
  /// What brings vision features to the width of the language model.
  public var connector: ConnectorDescription?
  /// How images are prepared, for each vision encoder; empty if the model came without that.
  public var imageProcessors: [ImageProcessor]
  /// The text around a question about an image.
  public var prompt: PromptDescription?

  /// Gathers the parts of a model.
  public init(
    profile: String, language: LanguageDescription? = nil, vision: [VisionDescription] = [],
    connector: ConnectorDescription? = nil, imageProcessors: [ImageProcessor] = [],
    prompt: PromptDescription? = nil
  ) {
    self.profile = profile
    self.language = language
    self.vision = vision
    self.connector = connector
    self.imageProcessors = imageProcessors
    self.prompt = prompt
  }
}

/// The text around a question about an image, which follows the image's embeddings.
public struct PromptDescription: Codable, Sendable, Equatable {
  /// The text before the question.
  public var prefix: String
  /// The text between question and answer.
  public var suffix: String

  /// Gathers the text around a question.
  public init(prefix: String, suffix: String) {
    self.prefix = prefix
    self.suffix = suffix
  }

  /// The prompt for a question; a text that already has this form stays as it is.
  public func text(for question: String) -> String {
    question.hasPrefix(prefix) && question.hasSuffix(suffix) && !prefix.isEmpty
      ? question : prefix + question + suffix
  }
}
