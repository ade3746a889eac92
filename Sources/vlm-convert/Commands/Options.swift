import ArgumentParser
import Convert
import Format
import Foundation
import Quant
import Runtime

/// Options of every command.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON document instead of text.")
  var json = false
}

/// Where the vision towers are.
struct VisionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Directory of vision towers that the checkpoint leaves out: model.safetensors and config.json.",
      valueName: "directory"))
  var vision: String?

  /// The towers for the first of some models that is a checkpoint directory, or for the first if none is.
  func towers(for model: String, among models: [String]) -> String? {
    model == models.first(where: FileSystem.isDirectory) ?? models.first ? vision : nil
  }
}

/// How many threads work.
struct ThreadOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Threads that work; by default one for each processor.", valueName: "n"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads takes 1 to 1024, not \(threads).")
    }
  }

  var count: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }
}

/// How models are executed.
struct ExecutionOptions: ParsableArguments {
  @Option(help: "The arithmetic: fast kernels, or plain float32 as a reference.")
  var engine = ExecutionContext.EngineKind.fast

  @Option(
    help: """
      The numbers that are multiplied: float; int8 with scales in products with quantized weights; a8 in selective \
      scans as well.
      """)
  var activations = ActivationPrecision.int8

  @Option(help: "The states of scans: fp32, or int8 with a scale for each channel.")
  var state = StatePrecision.fp32

  func validate() throws {
    guard engine == .fast || (activations != .a8 && state == .fp32) else {
      throw ValidationError("--activations a8 and --state int8 are for --engine fast.")
    }
  }

  /// What a report says about them.
  var document: [ExactString: JSON] {
    [
      "engine": .string(engine.rawValue),
      // The reference takes floats whatever was asked for.
      "activations": .string((engine == .reference ? .float : activations).rawValue),
      "state": .string(state.rawValue),
    ]
  }

  /// A context on that many threads.
  func context(threads: Int) -> ExecutionContext {
    ExecutionContext(engine: engine, activations: activations, state: state, threads: threads)
  }
}

/// What is kept in memory.
struct ResidentOptions: ParsableArguments {
  @Option(
    help: """
      What the matrices of entropy tiers such as e4 become in memory: int8 as stored, or q4, encoded once more at half \
      the memory.
      """)
  var resident = ResidentEncoding.int8
}

/// What a model is evaluated on.
struct EvaluationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Evaluate only so many windows of text and questions.", valueName: "n"))
  var limit: Int?

  @Option(
    help: """
      The tokens of a text that count: full for all, or half for those behind the first half of each whole window, \
      as llama.cpp counts.
      """)
  var scoring = TextWindows.Scoring.full

  @Flag(
    help: "Let the model read token by token, as it does when it generates; slow.")
  var step = false

  @Option(
    help: ArgumentHelp(
      "Positions of a window of text; 1024, or 512 with --scoring half.", valueName: "n"))
  var window: Int?

  @Option(
    help: ArgumentHelp(
      "Text tokens from one window to the next; by default a whole window.", valueName: "n"))
  var stride: Int?

  @Option(
    help: ArgumentHelp(
      "Token in front of each window: an id, none, or auto for the model's first end-of-text id.",
      valueName: "id"))
  var beginning = "auto"

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit takes a positive number.") }
    if let window, !(2...1 << 20).contains(window) {
      throw ValidationError("--window takes 2 to 1048576 positions, not \(window).")
    }
    guard stride == nil || scoring == .full else {
      throw ValidationError("--stride is for --scoring full; other windows do not overlap.")
    }
    if let stride, stride < 1 { throw ValidationError("--stride takes a positive number.") }
    guard beginning == "auto" || beginning == "none" || Int(beginning) != nil else {
      throw ValidationError("--beginning takes a token id, “none” or “auto”, not “\(beginning)”.")
    }
  }

  func windows(for model: Model) -> TextWindows {
    let id: Int? =
      switch beginning {
      case "none": nil
      case "auto": model.description.language?.endOfText.first
      default: Int(beginning)
      }
    return TextWindows(length: window, stride: stride, beginning: id, scoring: scoring)
  }
}

/// What a model must reach.
struct RequirementOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Comma-separated bounds, as in “perplexity_ratio<=1.02,kl<=0.02”; exit code 76 if missed.",
      discussion: "Figures: \(Requirement.figureNames.joined(separator: ", ")).",
      valueName: "bounds"))
  var require: String?

  func requirements() throws -> [Requirement] { try require.map(Requirement.parse) ?? [] }
}
