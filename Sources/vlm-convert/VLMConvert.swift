import ArgumentParser
import Convert
import Format

@main
struct VLMConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vlm-convert",
    abstract: """
      Turns Mamba and vision-language checkpoints into one verified, quantized file, and runs it.
      """,
    discussion: """
      Examples:
        vlm-convert MODEL_DIR -o model.vlmp --quantize q4
        vlm-convert evaluate model.vlmp --against MODEL_DIR --text sample.txt
        vlm-convert generate model.vlmp --image cat.png --prompt "What is this?"

      MODEL is a checkpoint directory or a pack (.vlmp), everywhere. Results go to standard output; \
      progress, notes and errors to standard error.

      Exit codes:
         0  done
        64  the command line asks for something that does not exist or fit together
        65  an input breaks its format or contradicts another one
        66  an input or a part of it is missing
        69  an input is larger than what is accepted
        73  the output exists already or cannot be created
        74  reading or writing failed, for example because the device is full
        76  the model misses --require
        77  a pack does not agree with its checksums
      """,
    version: ConversionPipeline.toolVersion,
    subcommands: [
      ConvertCommand.self, InspectCommand.self, VerifyCommand.self, EvaluateCommand.self,
      SweepCommand.self, GenerateCommand.self, BenchmarkCommand.self, ForwardCommand.self,
      UnpackCommand.self,
    ],
    defaultSubcommand: ConvertCommand.self)

  /// Runs the command that the arguments name.
  static func main() {
    Interruption.prepare()
    if let hint = misspelledCommand(CommandLine.arguments.dropFirst().first) {
      Console.error("vlm-convert: \(hint)")
      exit(withError: ExitCode(FailureKind.usage.rawValue))
    }
    main(nil)
  }

  /// Without this a misspelled command would be taken for a checkpoint directory.
  private static func misspelledCommand(_ word: String?) -> String? {
    let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard let word, !word.hasPrefix("-"), !names.contains(word), !FileSystem.exists(word),
      let nearest = names.min(by: { word.editDistance(to: $0) < word.editDistance(to: $1) }),
      word.editDistance(to: nearest) <= 2
    else { return nil }
    return "there is no command or directory “\(word)”; did you mean “\(nearest)”?".printable
  }
}
