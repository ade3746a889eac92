import ArgumentParser
import Convert
import Foundation
import Runtime

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Measure the speed of a model, and how much of the machine it uses.",
    discussion: """
      Examples:
        vlm-convert benchmark model.vlmp
        vlm-convert benchmark model.vlmp --prompt 2048 --threads 1,2 --json

      For each number of threads the model is loaded anew, reads a prompt, decodes token by token from \
      there, and encodes an image of the size that it is made for; speeds are medians. Right after, the \
      same threads measure the machine: bytes a second from memory, and operations a second of the best \
      instruction for products of bytes. Shares say how near the model comes: decoding, the bytes of all \
      weights that it reads, against the first; prompt and image, two operations for each weight and \
      token without products inside attention, against the second.
      """)

  /// The largest prompt; its activations take as much memory as a large model.
  private static let tokenLimit = 65_536
  private static let repetitionLimit = 1000

  @Argument(help: "Checkpoint directory or pack.")
  var model: String

  @Option(help: ArgumentHelp("Tokens of the prompt.", valueName: "n"))
  var prompt = 512

  @Option(help: ArgumentHelp("Tokens decoded one by one after the prompt.", valueName: "n"))
  var decode = 128

  @Option(
    help: ArgumentHelp(
      "Numbers of threads to measure with; by default 1 and one for each processor.",
      valueName: "n,n"), transform: ThreadCounts.init(parsing:))
  var threads: ThreadCounts?

  @Option(help: ArgumentHelp("How often each measurement is repeated.", valueName: "n"))
  var repetitions = 5

  @OptionGroup var towers: VisionOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var memory: ResidentOptions
  @OptionGroup var format: OutputOptions

  func validate() throws {
    for (name, value, limit) in [
      ("prompt", prompt, Self.tokenLimit), ("decode", decode, Self.tokenLimit),
      ("repetitions", repetitions, Self.repetitionLimit),
    ] where !(1...limit).contains(value) {
      throw ValidationError("--\(name) takes 1 to \(limit), not \(value).")
    }
  }

  func run() throws {
    try reportingFailures(runsModels: true) {
      let benchmark = ModelBenchmark(prompt: prompt, decode: decode, repetitions: repetitions)
      let counts = threads?.values ?? ThreadCounts.standard
      let bar = ProgressBar("measuring", unit: "numbers of threads")
      defer { bar.finish() }
      var results = [BenchmarkResult]()
      for count in counts {
        results.append(try measure(benchmark, threads: count))
        bar.update(results.count, counts.count)
      }
      bar.finish()
      BenchmarkReport(
        model: model, benchmark: benchmark, execution: execution, memory: memory,
        results: results
      )
      .print(json: format.json)
    }
  }

  private func measure(_ benchmark: ModelBenchmark, threads: Int) throws -> BenchmarkResult {
    try benchmark.run(
      engine: execution.engine, activations: execution.activations, state: execution.state,
      threads: threads
    ) { context in
      try ModelLoader.load(
        path: model, vision: towers.vision, resident: memory.resident, context: context)
    }
  }
}

/// Numbers of threads, separated by commas.
struct ThreadCounts {
  let values: [Int]

  init(parsing text: String) throws {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    values = parts.compactMap { Int($0) }.filter((1...1024).contains)
    guard values.count == parts.count, Set(values).count == values.count else {
      throw ValidationError("expected different numbers of 1 to 1024, separated by commas")
    }
  }

  /// One thread, and one for each processor.
  static var standard: [Int] {
    Set([1, ProcessInfo.processInfo.activeProcessorCount]).sorted()
  }
}
