import ArgumentParser
import Convert
import Format

struct UnpackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpack",
    abstract: "Write a pack's model as a float32 checkpoint that Hugging Face transformers loads.")

  @Argument(help: "The pack.")
  var pack: String

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp("The directory to write.", valueName: "directory"))
  var output: String

  @Flag(help: "Write into an existing directory and replace its files.")
  var force = false

  func run() throws {
    try reportingFailures {
      let reader = try PackReader(path: pack)
      guard !FileSystem.exists(output) else { return try unpack(reader) }
      try Interruption.creatingDirectory(output) { try unpack(reader) }
    }
  }

  private func unpack(_ reader: PackReader) throws {
    let bar = ProgressBar("unpacking", unit: "bytes")
    defer { bar.finish() }
    try Unpacking.unpack(reader, to: output, overwrite: force, progress: bar.update)
  }
}
