import ArgumentParser
import Convert

@main
struct VLMConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vlm-convert",
    abstract: "Turns Mamba and vision-language checkpoints into one verified, quantized file, and runs it.",
    discussion: """
      vlm-convert MODEL_DIR --quantize q4 -o model.vlmp

      MODEL is a checkpoint directory or a pack, everywhere. Exit codes: 0 done, 64 usage, 65 bad input, \
      66 input missing, 69 limit exceeded, 73 cannot create output, 74 input/output error, \
      76 quality below --require, 77 verification failed.
      """,
    version: ConversionPipeline.toolVersion,
    subcommands: [
      ConvertCommand.self, InspectCommand.self, VerifyCommand.self, EvaluateCommand.self,
      GenerateCommand.self, ForwardCommand.self, UnpackCommand.self,
    ],
    defaultSubcommand: ConvertCommand.self)
}
