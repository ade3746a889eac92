import Format
import Runtime

/// Reads how images are prepared, if the checkpoint says so.
enum ImageProcessorReader {
  static func read(_ checkpoint: Checkpoint) throws -> ImageProcessor? {
    let name = "preprocessor_config.json"
    guard let configuration = try checkpoint.json(name) else { return nil }
    let ratio = checkpoint.configuration.present("image_aspect_ratio")?.stringValue
    return try ImageProcessor(
      configuration: configuration, file: checkpoint.directory + "/" + name,
      aspectRatio: ratio.flatMap(ImageProcessor.AspectRatio.init))
  }
}
