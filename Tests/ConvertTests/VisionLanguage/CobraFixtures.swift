import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

/// The committed models of two vision encoders, whose towers mostly lie in a directory of their own.
enum CobraFixtures {
  static let names = Fixtures.modelsOfTwoEncoders
  static let engines: [ExecutionContext.EngineKind] = [.reference, .fast]

  static func checkpoint(_ name: String) throws -> Checkpoint {
    try Checkpoint(directory: Fixtures.model(name), vision: Fixtures.vision(name))
  }

  static func model(
    _ name: String, _ engine: ExecutionContext.EngineKind = .fast
  ) throws -> Model {
    try ModelLoader.load(
      path: Fixtures.model(name), vision: Fixtures.vision(name),
      context: ExecutionContext(engine: engine))
  }

  /// The image of a fixture as each encoder takes it, in the order of the encoders.
  static func images(_ name: String) throws -> [PreparedImage] {
    let expected = try Fixtures.expected(name)
    return try ["pixel_values_dino", "pixel_values_siglip"].map { input in
      let shape = try #require(expected.shape(input))
      return PreparedImage(
        height: shape[1], width: shape[2], values: try #require(try expected.floats(input)))
    }
  }

  /// What a model makes of the inputs of a fixture, by the names of the outputs.
  static func outputs(of model: Model, for name: String) throws -> [String: [Float]] {
    let image = try model.encode(images(name))
    let embeddings = try #require(image.embeddings)
    let language = try #require(model.language)
    var state = language.initialState
    _ = language.run(embeddings, state: &state, model.context)
    let ids = try #require(try Fixtures.expected(name).integers("input_ids"))
    let hidden = language.run(try language.embed(ids), state: &state, model.context)
    return [
      "vision_features": image.vision.features.values, "connector_output": embeddings.values,
      "logits": language.logits(hidden, model.context).values,
    ]
  }
}
