import ArgumentParser
import Convert
import Format
import Quant
import Runtime

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Convert a checkpoint to a pack (the default command).",
    discussion: """
      Examples:
        vlm-convert MODEL_DIR -o model.vlmp --quantize q4
        vlm-convert MODEL_DIR -o model.vlmp --calibrate text.txt
        vlm-convert MODEL_DIR -o model.vlmp --quantize e4 --target-size 900MB
        vlm-convert MODEL_DIR --dry-run
        vlm-convert MODEL_DIR -o model.vlmp --validate-text sample.txt \\
          --require "perplexity_ratio<=1.02"

      Everything wrong with the checkpoint is reported before anything is written. The pack gets its \
      name only when it is complete and meets --require.
      """)

  @Argument(
    help: ArgumentHelp(
      "Checkpoint directory: config.json, safetensors files, perhaps a tokenizer.",
      valueName: "model-dir"))
  var model: String

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp("The pack to write; needed unless --dry-run is given.", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      """
      q8, q4, e4, f16, bf16 or f32, or a group size as in q8g32, or bits as in e3.5; q4 if there is no \
      --recipe either.
      """,
      valueName: "encoding"))
  var quantize: String?

  @Option(
    help: ArgumentHelp(
      "A YAML or JSON file with rules that come before those of --quantize.", valueName: "file"))
  var recipe: String?

  @OptionGroup var calibration: CalibrationArguments
  @OptionGroup var budget: BudgetArguments
  @OptionGroup var learning: LearningArguments

  @Flag(help: "Print what would be written, and why, without writing.")
  var dryRun = false

  @Option(help: "Compression of the pack.")
  var codec = Compression.zstd

  @Option(
    help: ArgumentHelp(
      "Compare with the original on this text before publishing.", valueName: "file"))
  var validateText: String?

  @Option(
    help: ArgumentHelp(
      "Compare with the original on these questions before publishing.", valueName: "file"))
  var validateQuestions: String?

  @Flag(help: "Keep matrices with NaN or infinite values as floats instead of refusing them.")
  var allowNonFinite = false

  @Flag(help: "Replace an existing output.")
  var force = false

  @OptionGroup var towers: VisionOptions
  @OptionGroup var evaluation: EvaluationOptions
  @OptionGroup var bounds: RequirementOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var format: OutputOptions

  func validate() throws {
    guard dryRun || output != nil else {
      throw ValidationError("Say with -o which pack to write, or ask for a --dry-run.")
    }
    try learning.requireCalibration(calibration)
    if bounds.require != nil, validateText == nil, validateQuestions == nil {
      throw ValidationError("--require needs --validate-text or --validate-questions.")
    }
    if budget.isGiven, recipe != nil {
      throw ValidationError("A budget chooses encodings itself; it does not go with --recipe.")
    }
    if budget.isGiven, learning.learnScales {
      throw ValidationError("--learn-scales does not go with a budget.")
    }
    if budget.quality != nil, qualityText == nil {
      throw ValidationError("--quality needs --validate-text, or --calibrate with a text.")
    }
    if budget.isGiven, dryRun, budget.quality != nil || calibration.calibrate != nil {
      throw ValidationError(
        "--dry-run shows what --target-size and --target-bpw choose without --calibrate; the rest takes a whole conversion."
      )
    }
  }

  func run() throws {
    try reportingFailures(runsModels: true) { try convert() }
  }

  private func convert() throws {
    let start = ContinuousClock.now
    let requirements = try bounds.requirements()
    try CheckpointDirectory.require(model)
    if let output, !dryRun, !force, FileSystem.exists(output) {
      throw FormatError.outputExists(file: output)
    }
    let plan = try ConversionPlan(
      Checkpoint(directory: model, vision: towers.vision), recipe: try chosenRecipe(),
      keepNonFinite: allowNonFinite, calibrating: calibration.options != nil)
    for note in plan.notes { Console.note(note) }
    let pool = ThreadPool(threads: threads.count)
    guard !dryRun, let output else {
      return PlanReport(try planned(plan, pool)).print(json: format.json)
    }
    try requireValidationInputs(plan.checkpoint)
    let written = try write(plan, to: output, pool)
    do {
      let report = try written.report ?? validated(written.writer, pool)
      if let report {
        try Requirement.check(requirements, report)
        try written.pipeline.seal(
          written.writer, learning: written.learned,
          evaluation: try JSON(encoding: report))
      }
      try requireBudget(written)
      let published = try written.writer.publish()
      try ConversionReport(
        plan: written.plan, output: output, byteCount: published.byteCount,
        modelID: published.modelID, seconds: (ContinuousClock.now - start).inSeconds,
        learning: written.learned, evaluation: report
      ).print(json: format.json)
    } catch {
      written.writer.discard()
      throw error
    }
  }

  /// Long work must not end with the discovery that a file to validate on does not exist.
  private func requireValidationInputs(_ checkpoint: Checkpoint) throws {
    let files = [validateText, validateQuestions].compactMap(\.self)
    for file in files + calibration.inputs { _ = try MappedFile(path: file) }
    if validateText != nil || budget.quality != nil, try checkpoint.text("tokenizer.json") == nil {
      throw ModelError.missingPart(
        "tokenizer", needed: validateText == nil ? "--quality" : "--validate-text")
    }
  }

  private func chosenRecipe() throws -> Recipe {
    guard let recipe else { return try Presets.named(quantize ?? "q4") }
    return try Recipe.read(path: recipe, fallback: try quantize.map(Presets.named))
  }

  /// Evaluates the file that was written, not what is in memory.
  private func validated(_ writer: PackWriter, _ pool: ThreadPool) throws -> EvaluationReport? {
    guard validateText != nil || validateQuestions != nil else { return nil }
    return try evaluationRun(writer, pool)
      .report(text: validateText, questions: validateQuestions)
  }

  /// An evaluation of an unfinished pack beside its original.
  func evaluationRun(
    _ writer: PackWriter, reference: Model? = nil, _ pool: ThreadPool
  ) throws -> EvaluationRun {
    let context = ExecutionContext()
    return EvaluationRun(
      model: try ModelLoader.load(path: writer.temporaryPath, context: context),
      reference: try reference
        ?? ModelLoader.load(path: model, vision: towers.vision, context: context),
      options: evaluation, threads: pool)
  }
}
