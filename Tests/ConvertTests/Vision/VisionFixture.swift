import Convert
import Format
import Foundation
import Quant
import Runtime
import Testing

/// A committed vision model with outputs that other programs computed for it.
struct VisionFixture {
  static let models = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/models").path

  /// Encoders that stand alone, and the profile that each is recognised as.
  static let encoders = [
    "clip-vit": "clip-vit", "clip-full": "clip-vit", "siglip": "siglip-vit",
    "siglip-classifier": "siglip-vit", "siglip-unprefixed": "siglip-vit", "dinov2": "dinov2",
    "dinov2-swiglu": "dinov2", "dinov2-reg": "dinov2-reg", "internvit": "internvit",
    "internvit-rms-qk": "internvit", "internvit-hf": "internvit-hf",
    "timm-vit-dinov2": "timm-vit", "timm-vit-siglip": "timm-vit",
  ]

  let name: String
  var path: String { Self.models + "/" + name }

  /// A tensor of `expected.safetensors`, if it is there.
  func expected(_ tensor: String) throws -> [Float]? {
    let file = try SafetensorsFile(path: path + "/expected.safetensors")
    return try file.tensors[ExactString(tensor)].map { try file.floats(of: $0) }
  }

  /// What a model makes of the fixture's image.
  func encode(_ model: Model) throws -> Model.EncodedImage {
    let file = try SafetensorsFile(path: path + "/expected.safetensors")
    let pixels = try #require(file.tensors["pixel_values"])
    return try model.encode(
      pixels: file.floats(of: pixels), height: pixels.shape[1], width: pixels.shape[2])
  }

  /// Relative errors of everything that is expected of the encoder.
  func errors(_ image: Model.EncodedImage) throws -> [String: Double] {
    let found = [
      "vision_features": image.vision.features, "pooled": image.vision.pooled,
      "connector_output": image.embeddings,
    ]
    var errors = [String: Double]()
    for (tensor, matrix) in found {
      guard let expected = try expected(tensor) else { continue }
      errors[tensor] = relativeError(matrix?.values ?? [], expected)
    }
    return errors
  }
}

/// A copy of a checkpoint in a directory of its own, to be changed.
final class ChangedCheckpoint {
  private struct Tensor {
    var name: String
    let type: DataType
    let shape: [Int]
    let bytes: [UInt8]

    init(name: String, type: DataType, shape: [Int], bytes: [UInt8]) {
      self.name = name
      self.type = type
      self.shape = shape
      self.bytes = bytes
    }

    init(name: String, shape: [Int], values: [Float]) {
      let bytes = Matrix(rows: 1, columns: values.count, values: values).littleEndianBytes
      self.init(name: name, type: .f32, shape: shape, bytes: bytes)
    }
  }

  let path: String
  private var tensors: [Tensor]
  private var configuration: [ExactString: JSON]

  init(_ fixture: String) throws {
    (configuration, tensors) = try Self.read(fixture)
    path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  init(
    configuration: [ExactString: JSON], tensors: [(name: String, shape: [Int], values: [Float])]
  ) throws {
    self.configuration = configuration
    self.tensors = tensors.map { Tensor(name: $0.name, shape: $0.shape, values: $0.values) }
    path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  private static func read(_ fixture: String) throws -> ([ExactString: JSON], [Tensor]) {
    let source = VisionFixture(name: fixture).path
    let file = try SafetensorsFile(path: source + "/model.safetensors")
    let tensors = try file.tensors.sorted { $0.key < $1.key }.map {
      Tensor(
        name: $0.key.text, type: $0.value.dataType, shape: $0.value.shape,
        bytes: try file.bytes(of: $0.value))
    }
    let text = try Data(contentsOf: URL(filePath: source + "/config.json"))
    return (try #require(JSON(parsing: Array(text)).objectValue), tensors)
  }

  /// Puts another encoder into a vision-language model.
  func replaceTower(with fixture: String) throws {
    let prefix = "model.vision_tower.vision_tower."
    let (configuration, encoder) = try Self.read(fixture)
    tensors.removeAll { $0.name.hasPrefix(prefix) }
    for var tensor in encoder {
      tensor.name = prefix + tensor.name
      tensors.append(tensor)
    }
    set("vision_config", .object(configuration))
  }

  func set(_ key: String, _ value: JSON?) { configuration[ExactString(key)] = value }

  func remove(_ name: String) { tensors.removeAll { $0.name == name } }

  func rename(_ change: (String) -> String) {
    for index in tensors.indices { tensors[index].name = change(tensors[index].name) }
  }

  func add(_ name: String, _ shape: [Int]) {
    let values = [Float](repeating: 0, count: shape.reduce(1, *))
    tensors.append(Tensor(name: name, shape: shape, values: values))
  }

  /// Writes the files and opens them.
  func open() throws -> Checkpoint {
    var writer = try SafetensorsWriter(
      path: path + "/model.safetensors", tensors: tensors.map { ($0.name, $0.type, $0.shape) },
      metadata: [:], overwrite: true)
    for tensor in tensors { try writer.append(tensor.bytes) }
    try writer.publish()
    try Data(JSON.object(configuration).prettyText.utf8)
      .write(to: URL(filePath: path + "/config.json"))
    return try Checkpoint(directory: path)
  }

  /// Converts and loads the pack.
  func pack(_ recipe: Recipe, _ context: ExecutionContext) throws -> Model {
    let plan = try ConversionPlan(open(), recipe: recipe)
    let path = path + "/model.vlmp"
    let writer = try PackWriter(output: path, codec: .zstd, overwrite: true, threads: 1)
    let pipeline = ConversionPipeline(plan, threads: ThreadPool(threads: 1))
    try pipeline.write(to: writer, progress: { _, _ in })
    try pipeline.seal(writer)
    try writer.publish()
    return try ModelLoader.load(path: path, context: context)
  }
}
