import Convert
import Format
import Quant
import Runtime

/// The outcome of a conversion.
struct ConversionReport {
  let plan: ConversionPlan
  let output: String
  let byteCount: Int
  let modelID: String
  let seconds: Double
  let learning: LearningRecord?
  let evaluation: EvaluationReport?

  private var bytesIn: Int {
    plan.checkpoint.tensors.values.reduce(0) { $0 + $1.info.byteRange.count }
  }

  private var bitsPerWeight: Double { Double(byteCount) * 8 / Double(max(1, plan.parameters)) }

  func print(json: Bool) throws {
    guard !json else { return Console.print(try document().prettyText) }
    Console.print(
      "\(output): \(plan.description.profile), \(Quantity.count(plan.parameters)) weights, recipe \(plan.recipe.name)"
    )
    Console.print(
      "\(Quantity.bytes(bytesIn)) → \(Quantity.bytes(byteCount)), \(Quantity.decimal(bitsPerWeight, 3)) bits a weight, \(Quantity.decimal(seconds, 1)) s, peak memory \(Quantity.bytes(ResidentMemory.now.peak))"
    )
    Console.print("model id \(modelID)")
    if let learning { print(learning) }
    evaluation?.print()
  }

  private func print(_ learning: LearningRecord) {
    let change =
      "mean KL on held-out text \(Quantity.decimal(learning.divergenceBefore, 6)) → \(Quantity.decimal(learning.divergenceAfter, 6))"
    Console.print(
      learning.isKept
        ? "scales learned: \(change)"
        : "scales left as they were, learning did not help: \(change)")
  }

  private func document() throws -> JSON {
    var members: [String: JSON] = [
      "profile": .string(plan.description.profile),
      "recipe": .string(plan.recipe.name),
      "parameters": .integer(Int64(plan.parameters)),
      "bytes_in": .integer(Int64(bytesIn)),
      "bytes_out": .integer(Int64(byteCount)),
      "bits_per_weight": .number(bitsPerWeight),
      "seconds": .number(seconds),
      "peak_memory_bytes": .integer(Int64(ResidentMemory.now.peak)),
      "openblas": .string(MatrixProduct.coreName),
      "openblas_threads": .integer(Int64(MatrixProduct.threads)),
      "model_id": .string(modelID),
      "notes": .array(plan.notes.map(JSON.string)),
    ]
    if let learning { members["learning"] = try JSON(encoding: learning) }
    if let evaluation { members["evaluation"] = try JSON(encoding: evaluation) }
    return .dictionary(members)
  }
}

/// The table that `--dry-run` prints.
struct PlanReport {
  private let plan: ConversionPlan

  init(_ plan: ConversionPlan) { self.plan = plan }

  func print(json: Bool) {
    guard !json else { return Console.print(document.prettyText) }
    var table = Table([
      ("tensor", .left), ("shape", .left), ("role", .left), ("encoding", .left), ("bytes", .right),
      ("reason", .left),
    ])
    for entry in plan.entries {
      table.add([
        entry.name, entry.shape.map(String.init).joined(separator: "×"), entry.role.rawValue,
        entry.encoding.name, String(entry.byteCount), entry.reason,
      ])
    }
    table.print()
    Console.print(
      "\(plan.entries.count) tensors, \(plan.parameters) weights, \(plan.byteCount) bytes in memory, \(Quantity.decimal(Double(plan.byteCount * 8) / Double(max(1, plan.parameters)), 3)) bits a weight before compression"
    )
  }

  private var document: JSON {
    .dictionary([
      "profile": .string(plan.description.profile),
      "recipe": .string(plan.recipe.name),
      "parameters": .integer(Int64(plan.parameters)),
      "bytes": .integer(Int64(plan.byteCount)),
      "notes": .array(plan.notes.map(JSON.string)),
      "tensors": .array(
        plan.entries.map { entry in
          .dictionary([
            "name": .string(entry.name), "source": .string(entry.source),
            "role": .string(entry.role.rawValue),
            "shape": .array(entry.shape.map { .integer(Int64($0)) }),
            "encoding": .string(entry.encoding.name), "bytes": .integer(Int64(entry.byteCount)),
            "reason": .string(entry.reason),
          ])
        }),
    ])
  }
}
