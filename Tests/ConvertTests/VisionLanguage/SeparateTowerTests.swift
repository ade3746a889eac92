import Convert
import Format
import Runtime
import TestSupport
import Testing

/// Vision towers in a directory of their own.
@Suite struct SeparateTowerTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: CobraFixtures.names.filter { Fixtures.vision($0) != nil })
  func `a checkpoint without its towers is refused`(name: String) throws {
    let checkpoint = try Checkpoint(directory: Fixtures.model(name))
    let refusal = ConvertError.missingTowers(
      prefix: "vision_backbone.dino_featurizer.", directory: checkpoint.directory)
    #expect(throws: refusal) { try CheckpointWeightSource(checkpoint) }
    #expect(refusal.kind == .missingInput)
    #expect(
      refusal.description.hasSuffix("expected them there, or in a directory given with --vision"))
  }

  @Test func `a pack has no use for towers`() throws {
    let pack = try directory.convert(CobraFixtures.checkpoint("cobra-linear"), .all("f32"))
    #expect(throws: ConvertError.visionForPack(pack.path)) {
      try ModelLoader.load(
        path: pack.path, vision: Fixtures.vision("cobra-linear"), context: ExecutionContext())
    }
    #expect(ConvertError.visionForPack(pack.path).kind == .usage)
  }

  @Test func `towers that are there already are refused`() throws {
    #expect(throws: ConvertError.self) {
      try Checkpoint(
        directory: Fixtures.model("cobra-with-vision"),
        vision: Fixtures.vision("cobra-fused-gelu-mlp"))
    }
  }

  @Test func `towers for a model without vision are refused`() throws {
    let checkpoint = try Checkpoint(
      directory: Fixtures.model("mamba1-hf"), vision: Fixtures.vision("cobra-linear"))
    let refusal = ConvertError.unwantedTowers(
      profile: "mamba1-hf", directory: checkpoint.directory)
    #expect(throws: refusal) { try CheckpointWeightSource(checkpoint) }
    #expect(refusal.kind == .usage)
  }

  @Test func `a directory without towers is named`() throws {
    let empty = try directory.directory("empty")
    #expect(throws: ConvertError.missingFile("model.safetensors", directory: empty)) {
      try Checkpoint(directory: Fixtures.model("cobra-linear"), vision: empty)
    }
  }

  @Test func `tensors and configuration count as those of the model`() throws {
    let checkpoint = try CobraFixtures.checkpoint("cobra-linear")
    let name = "vision_backbone.dino_featurizer.cls_token"
    #expect(checkpoint.tensors[ExactString(name)]?.info.name == name)
    #expect(checkpoint.configuration["vision_config"]?["image_size"] == 14)
    #expect(
      checkpoint.files.map(\.path) == [
        Fixtures.model("cobra-linear") + "/model.safetensors",
        Fixtures.model("cobra-linear") + "/vision/model.safetensors",
      ])
  }

  @Test func `a pack names the files of both directories`() throws {
    let pack = try directory.convert(CobraFixtures.checkpoint("mlmamba"), .all("f32"))
    let sources = try #require(pack.header.provenance["sources"]?.arrayValue)
    let expected = try ["", "/vision"].map { part in
      sha256(try contents(of: Fixtures.model("mlmamba") + part + "/model.safetensors")).hexText
    }
    #expect(sources.map { $0["sha256"]?.stringValue } == expected)
    #expect(sources.map { $0["name"] } == ["model.safetensors", "model.safetensors"])
  }

  @Test func `towers without a configuration are read with the defaults`() throws {
    let towers = try directory.directory("towers")
    try directory.copy(
      Fixtures.model("cobra-linear") + "/vision/model.safetensors", as: "towers/model.safetensors")
    let checkpoint = try Checkpoint(
      directory: Fixtures.model("cobra-linear"), vision: towers)
    #expect(checkpoint.configuration["vision_config"] == nil)
    #expect(
      throws: ModelError.unacceptableSize(
        "the vision encoder's heads", value: 16, accepted: 1...12)
    ) {
      try CheckpointWeightSource(checkpoint)
    }
  }
}

/// Descriptions of models with several encoders.
@Suite struct SeveralEncoderTests {
  private func refusal(
    _ change: (inout ModelDescription) -> Void
  ) throws -> ModelError? {
    var description = try CheckpointWeightSource(
      CobraFixtures.checkpoint("cobra-fused-ldpnet")
    ).description
    change(&description)
    do {
      try description.validate()
      return nil
    } catch {
      return error
    }
  }

  @Test func `a description that fits is accepted`() throws {
    #expect(try refusal { _ in } == nil)
    #expect(try refusal { $0.imageProcessors = [] } == nil)
  }

  @Test func `grids that differ are refused`() throws {
    #expect(
      try refusal { $0.vision[1].gridRows = 4 }
        == .contradiction("one vision encoder gives 5 × 5 patches, another 4 × 5"))
  }

  @Test func `encoders that give other tokens than patches are refused`() throws {
    let expected = ModelError.contradiction(
      "encoders side by side must give the patches of a selected layer and no other tokens")
    #expect(try refusal { $0.vision[0].selectedTokens = .all } == expected)
    #expect(try refusal { $0.vision[1].selectedLayer = nil } == expected)
  }

  @Test func `widths that do not add up are refused`() throws {
    #expect(
      try refusal { $0.connector?.inputWidth = 12 }
        == .contradiction("the connector takes 12 channels, the vision encoder gives 22"))
  }

  @Test func `encoders without a connector are refused`() throws {
    #expect(
      try refusal { $0.connector = nil }
        == .contradiction("several vision encoders need a connector that reads all of them"))
  }

  @Test func `an image is prepared once for each encoder`() throws {
    #expect(
      try refusal { $0.imageProcessors.removeLast() }
        == .contradiction("images are prepared in 1 ways for 2 vision encoders"))
  }

  @Test func `too many encoders are refused`() throws {
    #expect(
      try refusal {
        $0.vision = [VisionDescription](repeating: $0.vision[0], count: 9)
        $0.imageProcessors = []
      } == .unacceptableSize("the number of vision encoders", value: 9, accepted: 1...8))
  }

  @Test func `a pooling that does not fit is refused`() throws {
    #expect(
      try refusal { $0.connector?.pooling?.kernel = 2 }
        == .contradiction("the convolution after pooling needs an odd width"))
    #expect(try refusal { $0.connector?.pooling?.gridRows = 4 } != nil)
    #expect(try refusal { $0.connector?.pooling = nil } != nil)
  }
}
