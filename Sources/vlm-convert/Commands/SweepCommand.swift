import ArgumentParser
import Convert
import Format
import Quant
import Report
import Runtime

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Convert to several settings, measure each, and draw quality against size.",
    discussion: """
      Examples:
        vlm-convert sweep MODEL_DIR --text sample.txt -o report.html
        vlm-convert sweep MODEL_DIR --text sample.txt --settings q8,q4,e4 \\
          --calibrate text.txt --keep-packs packs -o report.html

      The page holds everything that it shows. It comes into being only if all settings succeed.
      """)

  /// From next to no loss to the edge of what is useful.
  private static let usualSettings = ["q8", "q4", "e6", "e5", "e4.5", "e4", "e3.5", "e3"]

  @Argument(
    help: ArgumentHelp(
      "Checkpoint directory: config.json, safetensors files, perhaps a tokenizer.",
      valueName: "model-dir"))
  var model: String

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp("The HTML page to write.", valueName: "file"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "What --quantize of convert takes, several of it; \(usualSettings.joined(separator: ",")) by default.",
      valueName: "encoding[,encoding…]"))
  var settings: String?

  @Option(help: ArgumentHelp("A UTF-8 text to measure the perplexity on.", valueName: "file"))
  var text: String?

  @Option(
    help: ArgumentHelp(
      "Questions about images to measure the accuracy on.", valueName: "file"))
  var questions: String?

  @Option(help: ArgumentHelp("The heading of the page.", valueName: "text"))
  var title: String?

  @Option(
    help: ArgumentHelp(
      "Keep the packs here, named after their settings.", valueName: "directory"))
  var keepPacks: String?

  @Flag(help: "Replace an existing page and existing packs.")
  var force = false

  @OptionGroup var calibration: CalibrationArguments
  @OptionGroup var towers: VisionOptions
  @OptionGroup var evaluation: EvaluationOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var format: OutputOptions

  private var settingNames: [String] {
    settings?.split(separator: ",").map(String.init) ?? Self.usualSettings
  }

  func validate() throws {
    guard text != nil || questions != nil else {
      throw ValidationError("Nothing to evaluate on; give --text or --questions.")
    }
    guard !settingNames.isEmpty else {
      throw ValidationError("--settings takes at least one setting.")
    }
    if let twice = settingNames.enumerated().first(where: { number, name in
      settingNames[..<number].contains(name)
    }) {
      throw ValidationError("--settings names \(twice.element) twice.")
    }
  }

  func run() throws {
    try reportingFailures(runsModels: true) {
      let candidates = try candidates()
      try requireInputs(candidates)
      // Created before the long work, so that it does not end with the discovery that this is impossible.
      let page = try AtomicFile(path: output, overwrite: force)
      try preparePackDirectory()
      let document = try document(candidates)
      try page.append(Array(SweepPage(document: document).markup.source.utf8))
      try page.publish()
      if format.json {
        Console.print(try document.json().prettyText)
      } else {
        document.print()
      }
    }
  }

  /// Everything wrong with a setting is said before the first one is tried.
  private func candidates() throws -> [SweepRun.Candidate] {
    try CheckpointDirectory.require(model)
    let checkpoint = try Checkpoint(directory: model, vision: towers.vision)
    return try settingNames.map { name in
      SweepRun.Candidate(
        name: name,
        plan: try ConversionPlan(
          checkpoint, recipe: Presets.named(name), calibrating: calibration.options != nil))
    }
  }

  private func requireInputs(_ candidates: [SweepRun.Candidate]) throws {
    for file in [text, questions].compactMap(\.self) + (calibration.options?.files ?? []) {
      _ = try MappedFile(path: file)
    }
    if text != nil, try candidates.first?.plan.checkpoint.text("tokenizer.json") == nil {
      throw ModelError.missingPart("tokenizer", needed: "--text")
    }
  }

  private func packPath(_ setting: String) -> String {
    keepPacks.map { "\($0)/\(setting).vlmp" } ?? "\(output).\(setting).vlmp"
  }

  private func preparePackDirectory() throws {
    guard let keepPacks else { return }
    if !FileSystem.isDirectory(keepPacks) { try FileSystem.createDirectory(keepPacks) }
    for setting in settingNames where !force && FileSystem.exists(packPath(setting)) {
      throw FormatError.outputExists(file: packPath(setting))
    }
  }

  private func document(_ candidates: [SweepRun.Candidate]) throws -> SweepDocument {
    let plan = candidates[0].plan
    for note in plan.notes { Console.note(note) }
    // Windows and images are shared out among the threads, so each is computed on one.
    let run = SweepRun(
      candidates: candidates, calibration: calibration.options, text: text, questions: questions,
      evaluation: evaluation,
      original: try ModelLoader.load(
        path: model, vision: towers.vision,
        context: ExecutionContext(engine: execution.engine, threads: 1)),
      context: execution.context(threads: 1), threads: ThreadPool(threads: threads.count),
      packPath: packPath, keepsPacks: keepPacks != nil, overwrites: force)
    let calibrated = try calibration.options.map { options in
      SweepDocument.Calibration(
        files: try options.files.map { try .init(path: $0) }, tokens: options.tokens)
    }
    return SweepDocument(
      title: title ?? "\(plan.description.profile): quality against size",
      profile: plan.description.profile, parameters: plan.parameters,
      originalBytes: plan.checkpoint.tensors.values.reduce(0) { $0 + $1.info.byteRange.count },
      notes: plan.notes, execution: execution.document, calibration: calibrated,
      settings: try run.settings())
  }
}
