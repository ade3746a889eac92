import Convert
import Format
import Quant
import Runtime

extension ConvertCommand {
  /// Bytes that the results of a validation take in the file, at most.
  private static let reportBytes = 1024

  private var reserve: Int {
    validateText == nil && validateQuestions == nil ? 0 : Self.reportBytes
  }

  /// The text that a quality is measured on.
  var qualityText: String? {
    validateText ?? calibration.options?.files.first { !$0.hasSuffix(".jsonl") }
  }

  /// What would be written.
  func planned(_ plan: ConversionPlan, _ pool: ThreadPool) throws -> ConversionPlan {
    guard let bytes = budget.bytes(weights: plan.parameters) else { return plan }
    return try searching(plan, pool) { try $0.plan(bytes: bytes, reserve: reserve) }
  }

  /// Writes the pack that keeps to the budget.
  func writeWithinBudget(
    _ plan: ConversionPlan, _ pool: ThreadPool, _ makeWriter: () throws -> PackWriter
  ) throws -> WrittenPack {
    try searching(plan, pool) { search in
      if let bytes = budget.bytes(weights: plan.parameters) {
        let found = try search.pack(bytes: bytes, reserve: reserve, makeWriter: makeWriter)
        return WrittenPack(plan: found.plan, pipeline: found.pipeline, writer: found.writer)
      }
      return try writeGoodEnough(search, pool, makeWriter)
    }
  }

  private func writeGoodEnough(
    _ search: BudgetSearch, _ pool: ThreadPool, _ makeWriter: () throws -> PackWriter
  ) throws -> WrittenPack {
    guard let bound = try budget.bound() else { throw RequirementError.malformed("") }
    let reference = try ModelLoader.load(
      path: model, vision: towers.vision, context: ExecutionContext())
    var reports = [String: EvaluationReport]()
    let found = try search.pack(
      figureUpTo: bound.bound, name: bound.description, makeWriter: makeWriter
    ) { writer in
      let report = try evaluationRun(writer, reference: reference, pool)
        .report(text: qualityText, questions: nil)
      reports[writer.temporaryPath] = report
      guard let figure = bound.divergence(report) else {
        throw RequirementError.notMeasured(bound.figure)
      }
      return figure
    }
    let isAll = validateText != nil && validateQuestions == nil
    return WrittenPack(
      plan: found.plan, pipeline: found.pipeline, writer: found.writer,
      report: isAll ? reports[found.writer.temporaryPath] : nil)
  }

  private func searching<Result>(
    _ plan: ConversionPlan, _ pool: ThreadPool, _ body: (BudgetSearch) throws -> Result
  ) throws -> Result {
    let bar = ProgressBar("fitting the budget", unit: "weights")
    defer { bar.finish() }
    return try body(
      BudgetSearch(
        plan, tier: quantize ?? "q4", keepNonFinite: allowNonFinite,
        calibratedOn: calibration.options, codec: codec.codec, threads: pool,
        progress: bar.update))
  }

  /// Throws if what was added to the pack made it too large.
  func requireBudget(_ written: WrittenPack) throws {
    guard let bytes = budget.bytes(weights: written.plan.parameters),
      written.writer.byteCount > bytes
    else { return }
    throw ConvertError.budgetExceeded(target: bytes, found: written.writer.byteCount)
  }
}
