import ArgumentParser
import Convert
import Format
import Quant
import Runtime

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Continue a text, or answer a question about an image.",
    discussion: """
      Examples:
        vlm-convert generate model.vlmp --prompt "Once upon a time" --max-tokens 50
        vlm-convert generate model.vlmp --image cat.png --prompt "What is this?"
        vlm-convert generate model.vlmp --image cat.png --save-state cat.vlms \\
          --prompt "" --raw --max-tokens 0
        vlm-convert generate model.vlmp --load-state cat.vlms --prompt "A photo of"
      """)

  @Argument(help: "Checkpoint directory or pack.")
  var model: String

  @Option(
    help: ArgumentHelp(
      "The text to continue.",
      discussion: """
        With an image it is put into the model's form for questions, unless it has that form or \
        --raw is given; “<image>” in the text says where the image goes, else it comes first. \
        With --load-state it may be left out.
        """, valueName: "text"))
  var prompt: String?

  @Option(help: ArgumentHelp("A PNG or JPEG file.", valueName: "file"))
  var image: String?

  @Option(help: ArgumentHelp("The longest text, in tokens.", valueName: "n"))
  var maxTokens = 256

  @Option(
    help: ArgumentHelp(
      "0 takes the most likely token; higher values vary more.", valueName: "t"))
  var temperature = 0.0

  @Option(
    help: ArgumentHelp(
      "Start of the random numbers; the same seed gives the same text.", valueName: "n"))
  var seed: UInt64 = 0

  @Flag(help: "Take the prompt as it is, without the model's form for questions.")
  var raw = false

  @Flag(help: "Write the prompt as a conversation, with the model's chat template.")
  var chat = false

  @Option(
    help: ArgumentHelp("Instructions for the conversation; implies --chat.", valueName: "text"))
  var system: String?

  @OptionGroup var states: StateOptions
  @OptionGroup var towers: VisionOptions
  @OptionGroup var execution: ExecutionOptions
  @OptionGroup var memory: ResidentOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var format: OutputOptions

  func validate() throws {
    guard (0...1 << 20).contains(maxTokens) else {
      throw ValidationError("--max-tokens takes 0 to 1048576, not \(maxTokens).")
    }
    guard (0...100).contains(temperature) else {
      throw ValidationError("--temperature takes 0 to 100, not \(temperature).")
    }
    guard !raw || !(chat || system != nil) else {
      throw ValidationError("--raw and --chat exclude each other.")
    }
    guard prompt != nil || states.loadState != nil else {
      throw ValidationError("Missing expected argument '--prompt <text>'")
    }
    guard states.loadState == nil || !(chat || system != nil) else {
      throw ValidationError(
        "--load-state and --chat exclude each other: the prompt follows what was read before.")
    }
  }

  private var form: Prompt.Form {
    if states.loadState != nil { return .continuation }
    if chat || system != nil { return .chat(system: system) }
    return raw ? .raw : .question
  }

  func run() throws {
    try reportingFailures(runsModels: true) {
      try states.checkOutput()
      let model = try ModelLoader.load(
        path: model, vision: towers.vision, resident: memory.resident,
        context: execution.context(threads: threads.count))
      let tokenizer = try model.requireTokenizer("a prompt")
      let embeddings = try Prompt(text: prompt ?? "", image: image, form: form)
        .embeddings(for: model)
      let snapshot = try states.read(
        embeddings, with: model, path: self.model, vision: towers.vision)
      var generation = try Generation(
        model, after: snapshot, sampler: Sampler(temperature: temperature, seed: seed))
      var decoder = StreamingDecoder(tokenizer)
      var text = ""
      var ids = [Int]()
      let start = ContinuousClock.now
      while ids.count < maxTokens, let id = try generation.next() {
        ids.append(id)
        emit(decoder.append(id), into: &text)
      }
      emit(decoder.finish(), into: &text)
      finish(
        text, ids, promptTokens: embeddings.rows,
        seconds: (ContinuousClock.now - start).inSeconds)
    }
  }

  private func emit(_ piece: String, into text: inout String) {
    text += piece
    if !format.json { Console.stream(piece) }
  }

  private func finish(_ text: String, _ ids: [Int], promptTokens: Int, seconds: Double) {
    guard format.json else { return Console.print("") }
    Console.print(
      JSON.dictionary([
        "text": .string(text), "ids": .array(ids.map { .integer(Int64($0)) }),
        "prompt_tokens": .integer(Int64(promptTokens)),
        "tokens": .integer(Int64(ids.count)), "seconds": .number(seconds),
        "tokens_per_second": .number(seconds > 0 ? Double(ids.count) / seconds : 0),
      ]).prettyText)
  }
}
