import ArgumentParser
import Convert
import Format

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Say what a pack or a checkpoint holds.")

  @Argument(help: ArgumentHelp("Pack or checkpoint directory.", valueName: "model"))
  var model: String

  @Flag(help: "List every tensor.")
  var tensors = false

  @OptionGroup var towers: VisionOptions
  @OptionGroup var format: OutputOptions

  func run() throws {
    try reportingFailures {
      let inspection = try inspect()
      if format.json {
        Console.print(try inspection.document(withTensors: tensors).prettyText)
      } else {
        inspection.print(withTensors: tensors)
      }
    }
  }

  private func inspect() throws -> ModelInspection {
    guard !FileSystem.isDirectory(model) else {
      return try ModelInspection(
        checkpoint: Checkpoint(directory: model, vision: towers.vision))
    }
    guard towers.vision == nil else { throw ConvertError.visionForPack(model) }
    return try ModelInspection(pack: PackReader(path: model), withTensors: tensors)
  }
}
