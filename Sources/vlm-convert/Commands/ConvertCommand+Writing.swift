import Convert
import Format
import Quant
import Runtime

/// A pack that is complete but for its name.
struct WrittenPack {
  let plan: ConversionPlan
  let pipeline: ConversionPipeline
  let writer: PackWriter
  /// What was learned, if scales were.
  var learned: LearningRecord?
  /// What the search for it has measured, if that is all that validation would.
  var report: EvaluationReport?
}

extension ConvertCommand {
  /// Writes the pack that was asked for, within its budget if there is one.
  func write(_ plan: ConversionPlan, to output: String, _ pool: ThreadPool) throws -> WrittenPack {
    let makeWriter = {
      try PackWriter(
        output: output, codec: codec.codec, overwrite: force, threads: threads.count)
    }
    if budget.isGiven { return try writeWithinBudget(plan, pool, makeWriter) }
    let pipeline = ConversionPipeline(plan, threads: pool)
    let writer = try makeWriter()
    do {
      let learned = try write(pipeline, to: writer)
      try pipeline.seal(writer, learning: learned)
      return WrittenPack(plan: plan, pipeline: pipeline, writer: writer, learned: learned)
    } catch {
      writer.discard()
      throw error
    }
  }

  private func write(
    _ pipeline: ConversionPipeline, to writer: PackWriter
  ) throws -> LearningRecord? {
    let bar = ProgressBar("converting", unit: "weights")
    defer { bar.finish() }
    guard let options = learning.options, let calibration = calibration.options else {
      try pipeline.write(to: writer, calibratedOn: calibration.options, progress: bar.update)
      return nil
    }
    let learningBar = ProgressBar("learning scales", unit: "steps")
    defer { learningBar.finish() }
    return try pipeline.write(
      to: writer, calibratedOn: calibration, learning: options, progress: bar.update,
      learningProgress: { done, total in
        bar.finish()
        learningBar.update(done, total)
      })
  }
}
