import Convert
import Format
import Quant
import Runtime

/// Converts a checkpoint to each of several settings and measures what came of it against the original.
struct SweepRun {
  /// A setting that is to be tried.
  struct Candidate {
    let name: String
    let plan: ConversionPlan
  }

  let candidates: [Candidate]
  let calibration: CalibrationOptions?
  let text: String?
  let questions: String?
  let evaluation: EvaluationOptions
  let original: Model
  private let states = ReferenceStates()
  /// How packs are executed.
  let context: ExecutionContext
  let threads: ThreadPool
  /// Where a setting's pack goes.
  let packPath: (_ setting: String) -> String
  /// Whether packs stay.
  let keepsPacks: Bool
  let overwrites: Bool

  /// Tries all settings in turn.
  func settings() throws -> [SweepDocument.Setting] {
    let start = ContinuousClock.now
    return try candidates.enumerated().map { index, candidate in
      announce(candidate.name, index, (ContinuousClock.now - start).inSeconds)
      do {
        return try setting(candidate)
      } catch let failure as any DescribedFailure {
        throw SettingFailure(
          setting: candidate.name, reason: failure.description, kind: failure.kind)
      } catch let failure as QuantError {
        throw SettingFailure(
          setting: candidate.name, reason: failure.description, kind: .badInput)
      }
    }
  }

  private func announce(_ name: String, _ index: Int, _ elapsed: Double) {
    guard Console.isTerminal else { return }
    let rest = elapsed / Double(max(1, index)) * Double(candidates.count - index)
    let remaining = index == 0 ? "" : ", about \(Quantity.time(rest)) left"
    Console.error("\(name): setting \(index + 1) of \(candidates.count)\(remaining)")
  }

  /// Measures the file that was written, not what is in memory. It gets a name only if it is to stay.
  private func setting(_ candidate: Candidate) throws -> SweepDocument.Setting {
    let writer = try PackWriter(
      output: packPath(candidate.name), codec: .zstd, overwrite: overwrites || !keepsPacks,
      threads: threads.threads)
    do {
      try convert(candidate.plan, to: writer)
      let found = try measure(candidate, PackReader(path: writer.temporaryPath))
      if keepsPacks { _ = try writer.publish() } else { writer.discard() }
      return found
    } catch {
      writer.discard()
      throw error
    }
  }

  private func convert(_ plan: ConversionPlan, to writer: PackWriter) throws {
    let pipeline = ConversionPipeline(plan, threads: threads)
    let bar = ProgressBar("converting", unit: "weights")
    defer { bar.finish() }
    try pipeline.write(to: writer, calibratedOn: calibration, progress: bar.update)
    try pipeline.seal(writer)
  }

  private func measure(
    _ candidate: Candidate, _ pack: PackReader
  ) throws -> SweepDocument.Setting {
    let run = EvaluationRun(
      model: try ModelLoader.load(path: pack.path, context: context), reference: original,
      states: states, options: evaluation, threads: threads)
    let report = try run.report(text: text, questions: questions)
    let bar = ProgressBar("comparing weights", unit: "tensors")
    defer { bar.finish() }
    let fidelity = try candidate.plan.weightSNR(in: pack, threads: threads, progress: bar.update)
    let parameters = candidate.plan.parameters
    return SweepDocument.Setting(
      name: candidate.name, modelID: pack.modelID, byteCount: pack.byteCount,
      bitsPerWeight: Double(pack.byteCount) * 8 / Double(max(1, parameters)), evaluation: report,
      tensors: pack.header.tensors.map { tensor in
        SweepDocument.Tensor(
          name: tensor.name, encoding: tensor.encoding, weights: tensor.rows * tensor.columns,
          storedBytes: tensor.planes.reduce(0) { $0 + pack.storedBytes(of: $1) },
          weightSNR: fidelity[tensor.name],
          outputSNR: tensor.calibration?["outputSNR"]?.doubleValue)
      },
      assets: pack.header.assets.map {
        SweepDocument.Asset(name: $0.name, storedBytes: pack.storedBytes(of: $0.plane))
      })
  }
}

/// Why a setting came to nothing.
struct SettingFailure: DescribedFailure {
  let setting: String
  let reason: String
  let kind: FailureKind

  var description: String { "setting \(setting): \(reason)" }
}
