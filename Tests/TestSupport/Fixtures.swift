import Format
import Foundation

/// The committed models with the outputs that they must have; see Tests/References/README.md.
package enum Fixtures {
  private static let root =
    URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().path + "/Fixtures"

  private static let allModels =
    ((try? FileManager.default.contentsOfDirectory(atPath: root + "/models")) ?? []).sorted()

  /// Names of all models with at most one vision encoder.
  package static let models = allModels.filter { !hasTwoEncoders($0) }

  /// Names of the models with two vision encoders, whose images are prepared in two ways.
  package static let modelsOfTwoEncoders = allModels.filter(hasTwoEncoders)

  private static func hasTwoEncoders(_ name: String) -> Bool {
    (try? expected(name).tensors["pixel_values_dino"]) != nil
  }

  /// Names of those models that read text.
  package static let languageModels = models.filter { name in
    (try? expected(name).tensors["input_ids"]) != nil
  }

  /// The directory of a model.
  package static func model(_ name: String) -> String { root + "/models/" + name }

  /// The directory of a model's vision towers, if they lie apart from it.
  package static func vision(_ name: String) -> String? {
    let path = model(name) + "/vision"
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }

  /// The path of an image.
  package static func image(_ name: String) -> String { root + "/images/" + name }

  /// Inputs of a model and what it makes of them.
  package static func expected(_ model: String) throws -> SafetensorsFile {
    try SafetensorsFile(path: Self.model(model) + "/expected.safetensors")
  }
}

extension SafetensorsFile {
  /// The elements of a tensor, if it exists.
  package func floats(_ name: String) throws -> [Float]? {
    try tensors[ExactString(name)].map { try floats(of: $0) }
  }

  /// The elements of an integer tensor, if it exists.
  package func integers(_ name: String) throws -> [Int]? {
    try tensors[ExactString(name)].map { try integers(of: $0) }
  }

  /// The shape of a tensor, if it exists.
  package func shape(_ name: String) -> [Int]? { tensors[ExactString(name)]?.shape }
}
