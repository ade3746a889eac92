import ArgumentParser
import Convert
import Format
import Quant
import Runtime

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure perplexity and answer accuracy, alone or side by side with another model.",
    discussion: """
      Examples:
        vlm-convert evaluate model.vlmp --text sample.txt
        vlm-convert evaluate model.vlmp --against MODEL_DIR --text sample.txt \\
          --require "perplexity_ratio<=1.02"
        vlm-convert evaluate model.vlmp --questions questions.jsonl

      A line of a question file is a JSON object with “image”, a path from the file's own directory, \
      “question”, “answer” and perhaps “kind”.
      """)

  @Argument(help: "Checkpoint directory or pack.")
  var model: String

  @Option(
    help: ArgumentHelp(
      "The model to compare with, usually the float original.", valueName: "model"))
  var against: String?

  @Option(help: ArgumentHelp("A UTF-8 text to measure the perplexity on.", valueName: "file"))
  var text: String?

  @Option(
    help: ArgumentHelp("Questions about images to measure the accuracy on.", valueName: "file"))
  var questions: String?

  @Option(
    help: ArgumentHelp(
      "PNG and JPEG files on which to compare the features of vision encoders; needs --against.",
      valueName: "directory"))
  var images: String?

  @Flag(
    help: """
      Also measure, on the text, how many decibels the signal at each stage of the layers lies above what rounded \
      activations and states add.
      """)
  var stages = false

  @OptionGroup var towers: VisionOptions
  @OptionGroup var evaluation: EvaluationOptions
  @OptionGroup var bounds: RequirementOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var memory: ResidentOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var format: OutputOptions

  func validate() throws {
    guard text != nil || questions != nil || images != nil else {
      throw ValidationError("Nothing to evaluate on; give --text, --questions or --images.")
    }
    guard !stages || text != nil else {
      throw ValidationError("--stages measures on a text; name it with --text.")
    }
    guard images == nil || against != nil else {
      throw ValidationError("--images compares two models; name the other one with --against.")
    }
  }

  func run() throws {
    try reportingFailures(runsModels: true) {
      let requirements = try bounds.requirements()
      // Windows and images are shared out among the threads, so each is computed on one.
      let context = execution.context(threads: 1)
      // The reference shows what the model loses, so rounding of activations and states is for the model alone.
      let exact = ExecutionContext(engine: execution.engine, threads: 1)
      let run = EvaluationRun(
        model: try load(model, memory.resident, context),
        reference: try against.map { try load($0, .int8, exact) },
        options: evaluation, threads: ThreadPool(threads: threads.count))
      let start = ContinuousClock.now
      var report = try run.report(text: text, questions: questions, images: images)
      if stages, let text { report.add(try run.stages(text: text)) }
      if format.json {
        Console.print(try document(report, (ContinuousClock.now - start).inSeconds).prettyText)
      } else {
        report.print()
      }
      try Requirement.check(requirements, report)
    }
  }

  private func load(
    _ path: String, _ resident: ResidentEncoding, _ context: ExecutionContext
  ) throws -> Model {
    let models = [model] + (against.map { [$0] } ?? [])
    return try ModelLoader.load(
      path: path, vision: towers.towers(for: path, among: models), resident: resident,
      context: context)
  }

  private func document(_ report: EvaluationReport, _ seconds: Double) throws -> JSON {
    var members = try JSON(encoding: report).objectValue ?? [:]
    members.merge(execution.document) { measured, _ in measured }
    members["seconds"] = .number(seconds)
    members["step"] = .bool(evaluation.step)
    members["resident"] = .string(memory.resident.rawValue)
    return .object(members)
  }
}
