import Convert
import Format
import Quant
import Runtime

/// What is known about a model without running it.
struct ModelInspection {
  private let description: ModelDescription
  private let tensors: [TensorInspection]
  private let byteCount: Int
  private let modelID: String?
  private let header: PackHeader?
  private let notes: [String]

  /// - Parameter withTensors: whether every tensor will be shown, for which all blocks are read.
  init(pack reader: PackReader, withTensors: Bool) throws {
    description = try reader.modelDescription()
    let weights = PackWeightSource(reader)
    // Refuses shapes whose sizes cannot be computed with.
    for tensor in reader.header.tensors { _ = try weights.encoding(of: tensor) }
    let parameters = reader.header.tensors.reduce(0) { $0 + $1.rows * $1.columns }
    let recipe = Recipe(of: reader.header)
    let bar = ProgressBar("counting codes", unit: "tensors")
    defer { bar.finish() }
    tensors = try reader.header.tensors.enumerated().map { number, tensor in
      if withTensors { bar.update(number, reader.header.tensors.count) }
      return try TensorInspection(
        tensor, of: reader, request: recipe?.request(for: tensor, parameters: parameters),
        withEntropy: withTensors)
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
    tensors = plan.entries.map(TensorInspection.init)
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
    let byEncoding = Dictionary(grouping: tensors, by: \.shownEncoding).sorted { $0.key < $1.key }
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
    // A column without an entry would only push the others out of sight.
    let columns = TensorInspection.columns.filter { column in
      tensors.contains { column.text($0) != nil }
    }
    var table = Table(columns.map { ($0.title, $0.alignment) })
    for tensor in tensors { table.add(columns.map { $0.text(tensor) ?? "" }) }
    table.print()
    for line in tensors.flatMap(\.wastefulPlanes) { Console.print(line.printable) }
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
      members["tensors"] = .array(tensors.map(\.document))
    }
    return .dictionary(members)
  }
}
