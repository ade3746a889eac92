public import Format

/// A directory as Hugging Face writes it: config.json, one or more safetensors files, tokenizer, preprocessor.
public struct Checkpoint: Sendable {
  /// A tensor and the file it lies in.
  public struct Tensor: Sendable {
    /// Where and what it is.
    public let info: TensorInfo
    /// The file it lies in.
    public let file: SafetensorsFile
  }

  /// The path given by the user.
  public let directory: String
  /// The directory of vision towers, if there is one of its own.
  public let visionDirectory: String?
  /// config.json, or params.json in Mistral's native layout.
  public let configuration: JSON
  /// Whether the files have Mistral's names instead of Hugging Face's.
  public let isMistralNative: Bool
  /// All tensors by the names they have in the files.
  public let tensors: [ExactString: Tensor]
  /// The safetensors files, by name; those of vision towers in a directory of their own come last.
  public let files: [SafetensorsFile]

  /// Files that travel with a model, if it has them.
  public static let assetNames = [
    "LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE", "README.md", "chat_template.jinja",
    "config.json", "generation_config.json", "params.json", "preprocessor_config.json",
    "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
  ]

  /// Largest JSON or text file that is read whole.
  static let textLimit = 256 << 20

  /// What stands before the names of vision towers that lie in a directory of their own.
  public static let visionPrefix = "vision_backbone."

  /// Opens a checkpoint and checks that its files agree with each other.
  ///
  /// - Parameter vision: a second directory, with vision towers that the checkpoint leaves out. Its tensors count as
  ///   if their names began with `visionPrefix`, its config.json as if it were `vision_config`.
  public init(directory: String, vision: String? = nil) throws {
    self.directory = directory
    visionDirectory = vision
    let configurationName = ["config.json", "params.json"]
      .first { FileSystem.exists(directory + "/" + $0) }
    isMistralNative = configurationName == "params.json"
    guard let configurationName, let bytes = try Self.readText(directory, configurationName) else {
      throw ConvertError.missingFile("config.json", directory: directory)
    }
    let own = try Self.parse(
      bytes, file: directory + "/" + configurationName, allowNonFinite: true)
    let whole = isMistralNative ? "consolidated.safetensors" : "model.safetensors"
    let (files, tensors) = try Self.weights(directory, whole: whole)
    guard let vision else {
      (configuration, self.files, self.tensors) = (own, files, tensors)
      return
    }
    let towers = try Self.weights(vision, whole: "model.safetensors")
    configuration = try Self.adding(vision, to: own)
    self.files = files + towers.files
    self.tensors = try Self.adding(towers.tensors, to: tensors)
  }

  /// A configuration with that of a directory of vision towers, if it has one.
  private static func adding(_ vision: String, to configuration: JSON) throws -> JSON {
    guard let bytes = try readText(vision, "config.json"),
      var members = configuration.objectValue
    else { return configuration }
    members["vision_config"] = try parse(
      bytes, file: vision + "/config.json", allowNonFinite: true)
    return .object(members)
  }

  private static func adding(
    _ towers: [ExactString: Tensor], to tensors: [ExactString: Tensor]
  ) throws(ConvertError) -> [ExactString: Tensor] {
    var all = tensors
    for (name, tower) in towers {
      let name = name.text.hasPrefix(visionPrefix) ? name.text : visionPrefix + name.text
      if let own = all[ExactString(name)] {
        throw .repeatedTensor(name, first: own.file.path, second: tower.file.path)
      }
      all[ExactString(name)] = Tensor(info: tower.info.named(name), file: tower.file)
    }
    return all
  }

  /// The safetensors files of a directory, and their tensors.
  private static func weights(
    _ directory: String, whole: String
  ) throws -> (files: [SafetensorsFile], tensors: [ExactString: Tensor]) {
    let weightMap = try weightMap(directory)
    let names = weightMap.map { Set($0.values).sorted() } ?? [whole]
    let files = try names.map { name in
      guard FileSystem.exists(directory + "/" + name) else {
        throw ConvertError.missingFile(name, directory: directory)
      }
      return try SafetensorsFile(path: directory + "/" + name)
    }
    return (files, try collect(files, weightMap, directory))
  }

  /// The bytes of a file of the checkpoint, or nothing if it does not exist.
  public func text(_ name: String) throws -> [UInt8]? { try Self.readText(directory, name) }

  /// A JSON file of the checkpoint, or nothing if it does not exist.
  public func json(_ name: String) throws -> JSON? {
    try text(name).map { try Self.parse($0, file: directory + "/" + name) }
  }

  private static func readText(_ directory: String, _ name: String) throws -> [UInt8]? {
    let path = directory + "/" + name
    guard FileSystem.exists(path) else { return nil }
    let file = try MappedFile(path: path)
    guard file.count <= textLimit else {
      throw ConvertError.malformedJSON(
        file: path, reason: "\(file.count) bytes; expected at most \(textLimit)")
    }
    return try file.bytes(0..<file.count)
  }

  static func parse(
    _ bytes: [UInt8], file: String, allowNonFinite: Bool = false
  ) throws(ConvertError) -> JSON {
    do {
      return try JSON(parsing: bytes, allowNonFinite: allowNonFinite)
    } catch {
      throw .malformedJSON(file: file, reason: error.description)
    }
  }

  /// Tensor name → shard, for a sharded checkpoint.
  private static func weightMap(_ directory: String) throws -> [ExactString: String]? {
    let name = "model.safetensors.index.json"
    guard !FileSystem.exists(directory + "/model.safetensors"),
      let bytes = try readText(directory, name)
    else { return nil }
    let path = directory + "/" + name
    guard let map = try parse(bytes, file: path)["weight_map"]?.objectValue, !map.isEmpty else {
      throw ConvertError.malformedIndex(file: path, expected: "an object “weight_map”")
    }
    return try map.mapValues { value in
      guard let shard = value.stringValue, !shard.isEmpty, !shard.contains("/"), shard != ".."
      else {
        throw ConvertError.malformedIndex(
          file: path, expected: "names of files in the same directory in “weight_map”")
      }
      return shard
    }
  }

  private static func collect(
    _ files: [SafetensorsFile], _ weightMap: [ExactString: String]?, _ directory: String
  ) throws(ConvertError) -> [ExactString: Tensor] {
    var tensors = [ExactString: Tensor]()
    for file in files {
      for (name, info) in file.tensors {
        if let other = tensors[name] {
          throw .repeatedTensor(name.text, first: other.file.path, second: file.path)
        }
        tensors[name] = Tensor(info: info, file: file)
      }
    }
    for (name, shard) in weightMap ?? [:]
    where tensors[name]?.file.path != directory + "/" + shard {
      throw .indexDisagrees(
        tensor: name.text, shard: shard, file: directory + "/model.safetensors.index.json")
    }
    if let weightMap, let stray = tensors.keys.filter({ weightMap[$0] == nil }).min() {
      throw .indexDisagrees(
        tensor: stray.text, shard: tensors[stray]?.file.path ?? "",
        file: directory + "/model.safetensors.index.json")
    }
    return tensors
  }
}
