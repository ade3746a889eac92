import Format
import Runtime

/// Reads how images are prepared for one encoder; nothing if the checkpoint does not say so.
enum ImageProcessorReader {
  static func read(_ checkpoint: Checkpoint) throws -> [ImageProcessor] {
    let name = "preprocessor_config.json"
    guard let configuration = try checkpoint.json(name) else { return [] }
    let ratio = checkpoint.configuration.present("image_aspect_ratio")?.stringValue
    let processor = try ImageProcessor(
      configuration: configuration, file: checkpoint.directory + "/" + name,
      aspectRatio: ratio.flatMap(ImageProcessor.AspectRatio.init))
    return [processor]
  }
}
