import Format
import Runtime

/// Reads how images are prepared, if the checkpoint says so.
enum ImageProcessorReader {
  static func read(_ checkpoint: Checkpoint) throws -> ImageProcessor? {
    let name = "preprocessor_config.json"
    guard let configuration = try checkpoint.json(name) else { return nil }
    return try ImageProcessor(
      configuration: configuration, file: checkpoint.directory + "/" + name)
  }
}
