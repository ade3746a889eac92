import ArgumentParser
import Convert
import Format
import Quant
import Runtime

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Say what a pack or a checkpoint holds.")

  @Argument(help: ArgumentHelp("Pack or checkpoint directory.", valueName: "model"))
  var model: String

  @Flag(help: "List every tensor.")
  var tensors = false

  @OptionGroup var towers: VisionOptions
  @OptionGroup var format: OutputOptions

  func run() throws {
    try reportingFailures {
      let inspection = try inspect()
      if format.json {
        Console.print(try inspection.document(withTensors: tensors).prettyText)
      } else {
        inspection.print(withTensors: tensors)
      }
    }
  }

  private func inspect() throws -> ModelInspection {
    guard !FileSystem.isDirectory(model) else {
      return try ModelInspection(
        checkpoint: Checkpoint(directory: model, vision: towers.vision))
    }
    guard towers.vision == nil else { throw ConvertError.visionForPack(model) }
    return try ModelInspection(pack: PackReader(path: model))
  }
}

/// What is known about a model without running it.
struct ModelInspection {
  /// One tensor.
  struct Tensor {
    let name: String
    let source: String
    let role: String
    let shape: [Int]
    let encoding: String
    let storedBytes: Int
    let reason: String
    var elements: Int { shape.reduce(1, *) }
  }

  private let description: ModelDescription
  private let tensors: [Tensor]
  private let byteCount: Int
  private let modelID: String?
  private let header: PackHeader?
  private let notes: [String]

  init(pack reader: PackReader) throws {
    description = try reader.modelDescription()
    let weights = PackWeightSource(reader)
    // Refuses shapes whose sizes cannot be computed with.
    for tensor in reader.header.tensors { _ = try weights.encoding(of: tensor) }
    tensors = reader.header.tensors.map { tensor in
      Tensor(
        name: tensor.name, source: tensor.source, role: tensor.role, shape: tensor.shape,
        encoding: tensor.encoding,
        storedBytes: tensor.planes.reduce(0) { $0 + reader.storedBytes(of: $1) },
        reason: tensor.reason)
    }
    byteCount = reader.byteCount
    modelID = reader.modelID
    header = reader.header
    notes = []
  }

  init(checkpoint: Checkpoint) throws {
    let plan = try ConversionPlan(
      checkpoint, recipe: Recipe(name: "source", rules: [.init(encoding: Recipe.sourceEncoding)]))
    description = plan.description
    tensors = plan.entries.map { entry in
      Tensor(
        name: entry.name, source: entry.source, role: entry.role.rawValue, shape: entry.shape,
        encoding: entry.encoding.name, storedBytes: entry.byteCount, reason: entry.reason)
    }
    byteCount = plan.byteCount
    modelID = nil
    header = nil
    notes = plan.notes
  }

  private var parameters: Int { tensors.reduce(0) { $0 + $1.elements } }
  private var bitsPerWeight: Double { Double(byteCount) * 8 / Double(max(1, parameters)) }

  func print(withTensors: Bool) {
    Console.print("profile          \(description.profile)".printable)
    if let language = description.language {
      Console.print(
        "language         \(language.layers.first?.mixer.kind ?? "none"), width \(language.width), \(language.layers.count) layers, vocabulary \(language.vocabularySize)\(language.hasTiedHead ? ", tied head" : "")"
      )
    }
    for vision in description.vision {
      Console.print(
        "vision           \(vision.kind.rawValue), width \(vision.width), \(vision.layers) layers, \(vision.gridRows) × \(vision.gridColumns) patches of \(vision.patchSize) pixels"
      )
    }
    if let connector = description.connector {
      Console.print(
        "connector        \(connector.kind.rawValue)\(connector.scan.map { ", \($0.paths.rawValue) \($0.kind.rawValue)" } ?? "")"
      )
    }
    Console.print("weights          \(Quantity.count(parameters)) in \(tensors.count) tensors")
    Console.print(
      "size             \(byteCount) bytes, \(Quantity.decimal(bitsPerWeight, 3)) bits a weight")
    if let modelID { Console.print("model id         \(modelID)") }
    if let recipe = header?.recipe["name"]?.stringValue {
      Console.print("recipe           \(recipe)".printable)
    }
    printEncodings()
    notes.forEach(Console.note)
    if withTensors { printTensors() }
  }

  private func printEncodings() {
    let byEncoding = Dictionary(grouping: tensors, by: \.encoding).sorted { $0.key < $1.key }
    for (name, group) in byEncoding {
      let encoding = name.printable
      let bytes = group.reduce(0) { $0 + $1.storedBytes }
      let weights = group.reduce(0) { $0 + $1.elements }
      Console.print(
        "  \(encoding)\(String(repeating: " ", count: max(1, 15 - encoding.count)))\(Quantity.count(weights)) weights in \(Quantity.bytes(bytes)), \(Quantity.decimal(Double(bytes * 8) / Double(max(1, weights)), 3)) bits a weight"
      )
    }
  }

  private func printTensors() {
    var table = Table([
      ("tensor", .left), ("shape", .left), ("role", .left), ("encoding", .left),
      ("stored bytes", .right), ("reason", .left),
    ])
    for tensor in tensors {
      table.add([
        tensor.name, tensor.shape.map(String.init).joined(separator: "×"), tensor.role,
        tensor.encoding, String(tensor.storedBytes), tensor.reason,
      ])
    }
    table.print()
  }

  func document(withTensors: Bool) throws -> JSON {
    var members: [String: JSON] = [
      "profile": .string(description.profile),
      "model": try JSON(encoding: description),
      "parameters": .integer(Int64(parameters)),
      "bytes": .integer(Int64(byteCount)),
      "bits_per_weight": .number(bitsPerWeight),
    ]
    if let modelID { members["model_id"] = .string(modelID) }
    if let header {
      members["recipe"] = header.recipe
      members["provenance"] = header.provenance
      members["evaluation"] = header.evaluation
      members["assets"] = .array(header.assets.map { .string($0.name) })
    } else {
      members["notes"] = .array(notes.map(JSON.string))
    }
    if withTensors {
      members["tensors"] = .array(
        tensors.map { tensor in
          .dictionary([
            "name": .string(tensor.name), "source": .string(tensor.source),
            "role": .string(tensor.role),
            "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
            "encoding": .string(tensor.encoding),
            "stored_bytes": .integer(Int64(tensor.storedBytes)),
            "reason": .string(tensor.reason),
          ])
        })
    }
    return .dictionary(members)
  }
}
