import ArgumentParser
import Convert
import Format
import Quant
import Runtime

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Convert a checkpoint to a pack (the default command).")

  @Argument(help: ArgumentHelp("Checkpoint directory.", valueName: "model-dir"))
  var model: String

  @Option(name: [.short, .customLong("output")], help: "The pack to write.")
  var output: String?

  @Option(help: "q8, q4, f16, bf16, f32, or a group size as in q8g32.")
  var quantize: String?

  @Option(help: "A YAML or JSON file with rules that come before those of --quantize.")
  var recipe: String?

  @Flag(help: "Print what would be written, and why, without writing.")
  var dryRun = false

  @Option(help: "Compression of the pack: zstd, zlib or stored.")
  var codec = Codec.zstd

  @Option(help: ArgumentHelp("Compare with the original on this text before publishing.", valueName: "file"))
  var validateText: String?

  @Option(
    help: ArgumentHelp("Compare with the original on these questions before publishing.", valueName: "file"))
  var validateQuestions: String?

  @Flag(help: "Keep matrices with NaN or infinite values as floats instead of refusing them.")
  var allowNonFinite = false

  @Flag(help: "Replace an existing output.")
  var force = false

  @OptionGroup var evaluation: EvaluationOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var format: OutputOptions

  func validate() throws {
    guard dryRun || output != nil else {
      throw ValidationError("Missing expected option ‘-o OUT.vlmp’.")
    }
    if evaluation.require != nil, validateText == nil, validateQuestions == nil {
      throw ValidationError("--require needs --validate-text or --validate-questions.")
    }
  }

  func run() throws {
    try reportingFailures { try convert() }
  }

  private func convert() throws {
    let start = ContinuousClock.now
    let requirements = try evaluation.requirements()
    guard !PackReader.isPack(path: model) else {
      throw FormatError.malformed(
        file: model, item: "model", found: "a pack", expected: "a checkpoint directory; unpack makes one")
    }
    if let output, !dryRun, !force, FileSystem.exists(output) {
      throw FormatError.outputExists(file: output)
    }
    let plan = try ConversionPlan(
      Checkpoint(directory: model), recipe: try chosenRecipe(), keepNonFinite: allowNonFinite)
    for note in plan.notes { Console.note(note) }
    guard !dryRun, let output else { return PlanReport(plan).print(json: format.json) }
    let pool = ThreadPool(threads: threads.count)
    let pipeline = ConversionPipeline(plan, threads: pool)
    let writer = try PackWriter(output: output, codec: codec, overwrite: force)
    do {
      try write(pipeline, to: writer)
      let report = try validated(writer, pool)
      if let report {
        try Requirement.check(requirements, report)
        try pipeline.seal(writer, evaluation: try JSON(encoding: report))
      }
      let published = try writer.publish()
      try ConversionReport(
        plan: plan, output: output, byteCount: published.byteCount, modelID: published.modelID,
        seconds: (ContinuousClock.now - start).inSeconds, evaluation: report
      ).print(json: format.json)
    } catch {
      writer.discard()
      throw error
    }
  }

  private func chosenRecipe() throws -> Recipe {
    guard let recipe else { return try Presets.named(quantize ?? "q4") }
    return try Recipe.read(path: recipe, fallback: try quantize.map(Presets.named))
  }

  private func write(_ pipeline: ConversionPipeline, to writer: PackWriter) throws {
    let bar = ProgressBar("converting", unit: "weights")
    defer { bar.finish() }
    try pipeline.write(to: writer, progress: bar.update)
    try pipeline.seal(writer)
  }

  /// Evaluates the file that was written, not what is in memory.
  private func validated(_ writer: PackWriter, _ pool: ThreadPool) throws -> EvaluationReport? {
    guard validateText != nil || validateQuestions != nil else { return nil }
    let context = ExecutionContext()
    let run = EvaluationRun(
      model: try ModelLoader.load(path: writer.temporaryPath, context: context),
      reference: try ModelLoader.load(path: model, context: context), options: evaluation,
      threads: pool)
    return try run.report(text: validateText, questions: validateQuestions)
  }
}
