import Convert
import Format
import Runtime
import TestSupport
import Testing

/// What is read from configurations and shapes of Cobra and ML-Mamba.
@Suite struct CobraConfigurationTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func describe(
    _ change: (inout SampleCheckpoint) throws -> Void
  ) throws -> ModelDescription {
    try CheckpointWeightSource(directory.checkpoint("cobra-with-vision", change)).description
  }

  /// Fixture, kind of the connector, its inner widths.
  static let projectors: [(String, ConnectorDescription.Kind, [Int])] = [
    ("cobra-linear", .projections, []), ("cobra-gelu-mlp", .projections, [17]),
    ("cobra-fused-gelu-mlp", .projections, [88, 17]),
    ("cobra-fused-ldpnet", .pooledProjections, [88]),
    ("mlmamba", .bidirectionalMixers, [48, 12]),
  ]

  @Test(arguments: projectors)
  func `shapes say which projector it is`(
    name: String, kind: ConnectorDescription.Kind, widths: [Int]
  ) throws {
    let description = try CheckpointWeightSource(CobraFixtures.checkpoint(name)).description
    #expect(description.profile == (name == "mlmamba" ? name : "cobra"))
    #expect(description.connector?.kind == kind)
    #expect(description.connector?.innerWidths == widths)
    #expect(description.connector?.inputWidth == 22)
    #expect(description.vision.map(\.selectedLayer) == [-2, -2])
    #expect(description.vision.map(\.activation) == [.gelu, .gelu])
    #expect(description.vision.map(\.prefixTokens) == [5, 0])
    #expect(description.language?.hasTiedHead == true)
    #expect(
      description.prompt?.text(for: "Why?") == "<|user|>\nWhy?<|endoftext|>\n<|assistant|>\n")
  }

  @Test func `what a configuration leaves out is as in the published models`() throws {
    let description = try describe {
      $0.configure("vision_config/image_size", nil)
      $0.configure("model", nil)
      for tower in ["dino", "siglip"] {
        $0.configure("vision_config/\(tower)_featurizer/architecture", nil)
      }
    }
    #expect(description.vision.map(\.gridRows) == [96, 96])
    #expect(description.vision.map(\.positions.rows) == [3, 3])
    #expect(
      description.imageProcessors.map(\.resize)
        == [.exact(height: 384, width: 384), .exact(height: 384, width: 384)])
    #expect(description.prompt?.prefix == "<|user|>\n")
    #expect(
      throws: ModelError.unacceptableSize(
        "the vision encoder's heads", value: 16, accepted: 1...12)
    ) {
      try describe { $0.configure("vision_config", nil) }
    }
  }

  @Test func `pooling leaves 14 × 14 patches unless the configuration says otherwise`() throws {
    func grid(_ stated: JSON?) throws -> [Int]? {
      let path = try directory.copy(
        Fixtures.model("cobra-fused-ldpnet"), as: stated?.canonicalText ?? "none")
      let own = try Checkpoint(directory: path).configuration
      try directory.write(
        own.replacing("projector_grid", with: stated).prettyText,
        as: (stated?.canonicalText ?? "none") + "/config.json")
      let pooling = try CheckpointWeightSource(
        Checkpoint(directory: path, vision: path + "/vision")
      ).description.connector?.pooling
      return pooling.map {
        [$0.gridRows, $0.gridColumns, $0.pooledRows, $0.pooledColumns, $0.kernel]
      }
    }
    #expect(try grid(nil) == [5, 5, 14, 14, 3])
    #expect(try grid([2, 4]) == [5, 5, 2, 4, 3])
    for wrong: JSON in [[3], [0, 3], "3"] {
      #expect(throws: ConvertError.self) { try grid(wrong) }
    }
  }

  @Test func `a base language model is asked in another form`() throws {
    let description = try describe { $0.configure("model/llm_backbone_id", "mamba-2.8b") }
    #expect(description.prompt?.text(for: "Why?") == "In: Why?\nOut: ")
  }

  @Test(arguments: ["letterbox", "resize-crop"])
  func `other ways to resize are refused by name`(strategy: String) throws {
    let checkpoint = try directory.checkpoint("cobra-with-vision") {
      $0.configure("model/image_resize_strategy", .string(strategy))
    }
    #expect(
      throws: ConvertError.unsupported(
        option: "image_resize_strategy", found: "“\(strategy)”", supported: "resize-naive",
        file: checkpoint.directory + "/config.json")
    ) { try CheckpointWeightSource(checkpoint) }
  }

  @Test func `a preprocessor configuration goes for both encoders`() throws {
    let description = try describe {
      $0.configure("model/image_resize_strategy", "letterbox")
      $0.files["preprocessor_config.json"] =
        #"{"size": {"height": 14, "width": 14}, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}"#
    }
    #expect(description.imageProcessors.map(\.normalization?.mean) == [[0, 0, 0], [0, 0, 0]])
  }

  @Test(arguments: [0, -1, 16_385])
  func `an absurd image size is refused`(size: Int64) throws {
    let checkpoint = try directory.checkpoint("cobra-with-vision") {
      $0.configure("vision_config/image_size", .integer(size))
    }
    #expect(
      throws: ConvertError.malformedConfiguration(
        file: checkpoint.directory + "/config.json", key: "vision_config.image_size",
        expected: "an integer from 1 to 16384")
    ) { try CheckpointWeightSource(checkpoint) }
  }

  @Test func `an image smaller than a patch is refused`() throws {
    #expect(throws: ModelError.self) {
      try describe { $0.configure("vision_config/image_size", 3) }
    }
  }

  @Test func `pooling after bidirectional layers is refused`() throws {
    let path = try directory.copy(Fixtures.model("mlmamba"), as: "model")
    let towers = try directory.copy(Fixtures.model("mlmamba") + "/vision", as: "towers")
    var sample = try SampleCheckpoint(fixture: "mlmamba")
    sample.tensors["projector.projector.4.peg.0.weight"] = .init([1], shape: [1])
    try sample.write(to: path)
    #expect(
      throws: ConvertError.unsupported(
        option: "projector", found: "fused-ldpnet after bidirectional layers",
        supported: "linear, gelu-mlp or fused-gelu-mlp", file: path)
    ) { try CheckpointWeightSource(Checkpoint(directory: path, vision: towers)) }
  }

  @Test func `what wrappers put in front of names does not matter`() throws {
    let plain = try describe { _ in }
    let wrapped = try CheckpointWeightSource(
      directory.checkpoint("cobra-with-vision", as: "wrapped") { sample in
        sample.tensors = Dictionary(
          uniqueKeysWithValues: sample.tensors.map { ("module." + $0.key, $0.value) })
      }
    ).description
    #expect(wrapped == plain)
  }

  @Test func `the choices are told`() throws {
    let notes = try CheckpointWeightSource(CobraFixtures.checkpoint("cobra-fused-ldpnet")).notes
    #expect(
      notes == [
        "the last vision layer but one of DINOv2 and SigLIP feeds a pooledProjections connector, 22 → 88 → 17, on a grid of 5 × 5, pooled to 3 × 3"
      ])
  }
}
