import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

/// Cobra and ML-Mamba against outputs of other programs; see Tests/References/README.md.
@Suite struct CobraModelTests {
  /// The references agree with each other to 2e-5. Measured here: 3.4e-6.
  static let bound = 2e-5
  /// Decibels that eight bits keep. Random weights are harder than trained ones: 26.8 to 44.9 measured.
  static let signalToNoiseOfBytes = 25.0

  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func `there are fixtures of every projector`() {
    #expect(
      CobraFixtures.names == [
        "cobra-fused-gelu-mlp", "cobra-fused-ldpnet", "cobra-gelu-mlp", "cobra-linear",
        "cobra-with-vision", "mlmamba",
      ])
  }

  @Test(arguments: CobraFixtures.names, CobraFixtures.engines)
  func `two encoders side by side give the expected outputs`(
    name: String, engine: ExecutionContext.EngineKind
  ) throws {
    let model = try CobraFixtures.model(name, engine)
    for (output, found) in try CobraFixtures.outputs(of: model, for: name) {
      let expected = try #require(try Fixtures.expected(name).floats(output))
      let difference = Difference(found, from: expected)
      #expect(difference.norm <= Self.bound, "\(output): \(difference)")
    }
  }

  @Test(arguments: CobraFixtures.names)
  func `a pack of floats gives what the checkpoint gives`(name: String) throws {
    let pack = try directory.convert(CobraFixtures.checkpoint(name), .all("f32"))
    let packed = try ModelLoader.load(path: pack.path, context: ExecutionContext())
    let model = try CobraFixtures.model(name)
    #expect(packed.description == model.description)
    #expect(
      try CobraFixtures.outputs(of: packed, for: name)
        == CobraFixtures.outputs(of: model, for: name))
  }

  @Test(arguments: CobraFixtures.names)
  func `a pack of bytes stays near`(name: String) throws {
    let pack = try directory.convert(CobraFixtures.checkpoint(name), Presets.named("q8"))
    let packed = try ModelLoader.load(path: pack.path, context: ExecutionContext())
    let isRounded = pack.header.tensors.contains { $0.encoding.hasPrefix("q8") }
    #expect(isRounded)
    for (output, found) in try CobraFixtures.outputs(of: packed, for: name) {
      let expected = try #require(try Fixtures.expected(name).floats(output))
      let difference = Difference(found, from: expected)
      #expect(
        difference.signalToNoise >= Self.signalToNoiseOfBytes,
        "\(output): \(difference.signalToNoise) dB")
      #expect(difference.norm > 0)
    }
  }

  @Test(arguments: CobraFixtures.names)
  func `an unpacked directory is complete and gives the same weights again`(name: String) throws {
    let original = try directory.convert(
      CobraFixtures.checkpoint(name), .all("f32"), as: "original.vlmp")
    let path = directory.file("unpacked")
    try Unpacking.unpack(original, to: path, overwrite: false, progress: { _, _ in })
    let unpacked = try Checkpoint(directory: path)
    let again = try directory.convert(unpacked, .all("f32"), as: "again.vlmp")
    #expect(try again.planes() == original.planes())
    #expect(try again.modelDescription() == original.modelDescription())
    // The names are those of the training code; a head that repeats the embedding is left out.
    let names = try CobraFixtures.checkpoint(name).tensors.keys.map(\.text)
    #expect(
      unpacked.tensors.keys.map(\.text).sorted()
        == names.filter { !$0.hasSuffix("lm_head.weight") }.sorted())
    let own = try Checkpoint(directory: Fixtures.model(name)).configuration
    #expect(unpacked.configuration["model"] == own["model"])
  }

  @Test func `features of a patch are those of DINOv2, then those of SigLIP`() throws {
    let model = try CobraFixtures.model("cobra-linear", .reference)
    let images = try CobraFixtures.images("cobra-linear")
    let joined = try model.encode(images).vision.features
    let parts = try zip(model.vision, images).map { encoder, image in
      try encoder.encode(image, model.context).features
    }
    #expect(joined.columns(0..<12) == parts[0])
    #expect(joined.columns(12..<22) == parts[1])
    #expect(joined.rows == 9 && joined.columns == 22)
  }

  @Test func `an image file is prepared for each encoder in its own way`() throws {
    let model = try CobraFixtures.model("cobra-fused-ldpnet", .reference)
    let pixels = (0..<33 * 25 * 3).map { UInt8(($0 * 37) % 251) }
    let image = try RGBImage(width: 33, height: 25, pixels: pixels)
    let processors = model.description.imageProcessors
    #expect(processors.map(\.normalization?.mean) == [[0.485, 0.456, 0.406], [0.5, 0.5, 0.5]])
    #expect(
      processors.map(\.resize) == [.exact(height: 20, width: 20), .exact(height: 20, width: 20)])
    let prepared = try processors.map { try $0.prepare(image) }
    #expect(prepared[0] != prepared[1])
    let expected = try model.encode(prepared)
    let found = try model.encode(image)
    #expect(found.vision.features == expected.vision.features)
    #expect(found.embeddings == expected.embeddings)
    // Nine patches are left after pooling.
    #expect(found.embeddings?.rows == 9)
  }

  @Test func `as many images as encoders are needed`() throws {
    let model = try CobraFixtures.model("cobra-with-vision")
    let images = try CobraFixtures.images("cobra-with-vision")
    #expect(throws: ModelError.wrongImageCount(1, encoders: 2)) {
      try model.encode(pixels: images[0].values, height: 14, width: 14)
    }
    #expect(throws: ModelError.wrongImageCount(3, encoders: 2)) {
      try model.encode(images + [images[0]])
    }
    #expect(
      ModelError.wrongImageCount(1, encoders: 2).description
        == "the inputs hold 1 prepared image, the model has 2 vision encoders; expected one for each, pixel_values.0 to pixel_values.1"
    )
  }

  @Test func `images of different grids are refused`() throws {
    let images = try CobraFixtures.images("cobra-linear")
    let larger = PreparedImage(
      height: 16, width: 16, values: [Float](repeating: 0, count: 3 * 16 * 16))
    let model = try CobraFixtures.model("cobra-linear")
    #expect(
      throws: ModelError.misshapenInput(
        "pixel_values.1", found: [3, 16, 16], expected: "[3, 12, 12]")
    ) { try model.encode([images[0], larger]) }
    // Positions are resampled, so two larger images are fine, unless the connector pools a grid of a fixed size.
    #expect(try model.encode([larger, larger]).embeddings?.rows == 16)
    let pooling = try CobraFixtures.model("cobra-fused-ldpnet")
    #expect(
      throws: ModelError.misshapenInput(
        "pixel_values.0", found: [3, 16, 16], expected: "[3, 20, 20]")
    ) { try pooling.encode([larger, larger]) }
  }
}
