public import Format
public import Runtime

/// Opens a model from whatever the user names: a checkpoint directory or a pack.
public enum ModelLoader {
  /// Loads a model for execution.
  ///
  /// - Parameter vision: a directory with the vision towers that a checkpoint leaves out; packs are complete.
  public static func load(
    path: String, vision: String? = nil, context: ExecutionContext
  ) throws -> Model {
    guard FileSystem.isDirectory(path) else {
      guard vision == nil else { throw ConvertError.visionForPack(path) }
      return try load(pack: path, context: context)
    }
    let checkpoint = try Checkpoint(directory: path, vision: vision)
    let weights = try CheckpointWeightSource(checkpoint)
    let tokenizer = try checkpoint.text("tokenizer.json").map {
      try Tokenizer(parsing: $0, file: path + "/tokenizer.json")
    }
    return try Model(weights, weights.description, tokenizer: tokenizer, context: context)
  }

  private static func load(pack path: String, context: ExecutionContext) throws -> Model {
    let reader = try PackReader(path: path)
    let tokenizer = try reader.asset("tokenizer.json").map {
      try Tokenizer(parsing: $0, file: "tokenizer.json in \(path)")
    }
    return try Model(
      PackWeightSource(reader), try reader.modelDescription(), tokenizer: tokenizer,
      context: context)
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
