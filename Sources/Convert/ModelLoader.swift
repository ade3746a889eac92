public import Format
public import Runtime

/// Opens a model from whatever the user names: a checkpoint directory or a pack.
public enum ModelLoader {
  /// Loads a model for execution.
  ///
  /// - Parameters:
  ///   - vision: a directory with the vision towers that a checkpoint leaves out; packs are complete.
  ///   - resident: what the matrices of entropy tiers become in memory.
  public static func load(
    path: String, vision: String? = nil, resident: ResidentEncoding = .int8,
    context: ExecutionContext
  ) throws -> Model {
    guard FileSystem.isDirectory(path) else {
      guard vision == nil else { throw ConvertError.visionForPack(path) }
      let reader = try PackReader(path: path)
      let weights: any WeightSource =
        switch resident {
        case .int8: PackWeightSource(reader, threads: context.threads)
        case .q4: try ResidentWeightSource(reader, preset: "q4", threads: context.threads)
        }
      return try load(
        weights, try reader.modelDescription(), path, context, file: reader.asset)
    }
    guard resident == .int8 else { throw ConvertError.nothingToTranscode(file: path) }
    let checkpoint = try Checkpoint(directory: path, vision: vision)
    let weights = try CheckpointWeightSource(checkpoint)
    return try load(weights, weights.description, path, context, file: checkpoint.text)
  }

  /// Loads a model without its language model, for what lies before it.
  static func encoders(
    _ checkpoint: Checkpoint, _ weights: CheckpointWeightSource, context: ExecutionContext
  ) throws -> Model {
    try load(
      weights, weights.description, checkpoint.directory, context, withLanguage: false,
      file: checkpoint.text)
  }

  /// - Parameter file: the bytes of a file that travels with the model.
  private static func load(
    _ weights: some WeightSource, _ description: ModelDescription, _ path: String,
    _ context: ExecutionContext, withLanguage: Bool = true,
    file: (_ name: String) throws -> [UInt8]?
  ) throws -> Model {
    let files = try TextFiles(file)
    // A large tokenizer takes as long as a fifth of the weights, on one thread.
    let (text, loaded) = try concurrently(threads: context.threads) {
      (tokenizer: try files.tokenizer(of: path), chat: try files.chatFormat(of: path))
    } _: {
      try Model(weights, description, context: context, withLanguage: withLanguage)
    }
    var model = loaded
    model.tokenizer = text.tokenizer
    model.chat = text.chat
    return model
  }
}

/// The files that say how a model reads and writes text.
private struct TextFiles {
  private let definition: [UInt8]?
  private let configuration: [UInt8]?
  private let template: [UInt8]?

  init(_ file: (_ name: String) throws -> [UInt8]?) throws {
    definition = try file("tokenizer.json")
    configuration = try file("tokenizer_config.json")
    template = try file("chat_template.jinja")
  }

  func tokenizer(of path: String) throws -> Tokenizer? {
    try definition.map {
      try Tokenizer(parsing: $0, configuration: configuration, file: "\(path), tokenizer.json")
    }
  }

  func chatFormat(of path: String) throws -> ChatFormat? {
    let name = "\(path), tokenizer_config.json"
    return try ChatFormat(
      tokenizerConfiguration: try configuration.map { try Checkpoint.parse($0, file: name) }
        ?? .dictionary([:]),
      templateFile: template, file: name)
  }
}

extension PackReader {
  /// The bytes of an asset, or nothing if the pack does not have it.
  public func asset(_ name: String) throws -> [UInt8]? {
    try header.assets.first { $0.name == name }.map { try plane($0.plane, of: name) }
  }

  /// The model description of the pack.
  public func modelDescription() throws -> ModelDescription {
    do {
      let description = try header.model.decode(as: ModelDescription.self)
      try description.validate()
      return description
    } catch let error as JSONError {
      throw ConvertError.malformedJSON(
        file: path, reason: "the model description cannot be read: \(error)")
    }
  }
}
