import Format
import Quant
import Runtime
import TestSupport
import Testing

@Suite struct ModelDescriptionTests {
  /// A change that makes a good description a bad one, and how it is refused.
  struct Refusal: CustomTestStringConvertible {
    let error: ModelError
    let change: @Sendable (inout ModelDescription) -> Void
    var testDescription: String { error.description }

    init(_ error: ModelError, _ change: @escaping @Sendable (inout ModelDescription) -> Void) {
      self.error = error
      self.change = change
    }

    init(
      _ name: String, _ value: Int, limit: Int = ModelDescription.sizeLimit,
      _ path: WritableKeyPath<ModelDescription, Int> & Sendable
    ) {
      self.init(.unacceptableSize(name, value: value, accepted: 1...limit)) {
        $0[keyPath: path] = value
      }
    }
  }

  /// A mixer of the language model with a size that is refused.
  static func mixer(
    _ name: String, _ value: Int, limit: Int = ModelDescription.sizeLimit,
    _ path: WritableKeyPath<MambaMixerDescription, Int> & Sendable
  ) -> Refusal {
    Refusal(
      .unacceptableSize(
        "the language model's \(name)", value: value, accepted: 1...limit)
    ) {
      var mixer = SampleModel.mixer
      mixer[keyPath: path] = value
      $0.language?.layers[1].mixer = .mamba(mixer)
    }
  }

  static let sizes: [Refusal] = [
    Refusal(.unacceptableSize("the number of layers", value: 0, accepted: 1...4096)) {
      $0.language?.layers = []
    },
    Refusal(.unacceptableSize("the number of layers", value: 4097, accepted: 1...4096)) {
      $0.language?.layers = Array(
        repeating: LayerDescription(mixer: .mamba(SampleModel.mixer)), count: 4097)
    },
    Refusal("the vocabulary size", -1, \.language!.vocabularySize),
    Refusal("the vocabulary size", 1 << 24 + 1, \.language!.vocabularySize),
    Refusal("the language model's width", 0, \.language!.width),
    mixer("inner width", Int.max, \.innerWidth),
    mixer("state size", 4097, limit: 4096, \.stateSize),
    mixer("time-step rank", 1 << 16 + 1, limit: 1 << 16, \.timeStepRank),
    mixer("convolution width", 65, limit: 64, \.convolutionWidth),
    Refusal("the vision encoder's width", 0, \.vision[0].width),
    Refusal("the vision encoder's feed-forward width", 0, \.vision[0].feedForwardWidth),
    Refusal("the vision encoder's layers", 4097, limit: 4096, \.vision[0].layers),
    Refusal("the vision encoder's heads", 13, limit: 12, \.vision[0].heads),
    Refusal("the patch size", 257, limit: 256, \.vision[0].patchSize),
    Refusal("the rows of the patch grid", 1025, limit: 1024, \.vision[0].gridRows),
    Refusal("the columns of the patch grid", 0, limit: 1024, \.vision[0].gridColumns),
    Refusal("the connector's input width", 0, \.connector!.inputWidth),
    Refusal("the connector's width", 0, \.connector!.scan!.mixer.width),
    Refusal("the connector's state size", 0, limit: 4096, \.connector!.scan!.mixer.stateSize),
  ]

  static let contradictions: [Refusal] = [
    Refusal(.contradiction("the model has neither a language model nor a vision encoder")) {
      ($0.language, $0.vision) = (nil, [])
    },
    Refusal(
      .contradiction("the connector takes 12 channels, the vision encoder gives 24")
    ) { $0.vision.append($0.vision[0]) },
    Refusal(.contradiction("5 attention heads do not divide a width of 12")) {
      $0.vision[0].heads = 5
    },
    Refusal(.contradiction("the selected vision layer 3 does not exist in 2 layers")) {
      $0.vision[0].selectedLayer = 3
    },
    Refusal(.contradiction("the selected vision layer -4 does not exist in 2 layers")) {
      $0.vision[0].selectedLayer = -4
    },
    Refusal(.contradiction("a connector needs a vision encoder and a language model")) {
      $0.vision = []
    },
    Refusal(.contradiction("a connector needs a vision encoder and a language model")) {
      $0.language = nil
    },
    Refusal(.contradiction("the connector takes 13 channels, the vision encoder gives 12")) {
      $0.connector?.inputWidth = 13
    },
    Refusal(.contradiction("the connector gives 17 channels, the language model takes 16")) {
      $0.connector?.outputWidth = 17
    },
    Refusal(.contradiction("a connector with a scan needs its scan and its normalization")) {
      $0.connector?.scan = nil
    },
    Refusal(.contradiction("a connector with a scan needs its scan and its normalization")) {
      $0.connector?.normalization = nil
    },
    Refusal(.contradiction("the convolution over the grid needs an odd width")) {
      $0.connector?.scan?.mixer.convolutionWidth = 4
    },
    Refusal(
      .contradiction("the connector scans 2 × 2 patches, the vision encoder gives 3 × 2")
    ) { $0.connector?.scan?.gridRows = 2 },
    Refusal(.contradiction("the connector's scan is 10 wide, its input 12")) {
      $0.connector?.kind = .scanMLP
    },
  ]

  @Test(arguments: sizes + contradictions)
  func `a description that makes no sense is refused`(refusal: Refusal) throws {
    var description = SampleModel.description
    try description.validate()
    refusal.change(&description)
    #expect(throws: refusal.error) { try description.validate() }
    #expect(throws: refusal.error) {
      _ = try Model(
        SampleWeights(), description, tokenizer: nil, context: ExecutionContext())
    }
    #expect(refusal.error.kind == .badInput)
  }

  @Test(arguments: [0, 2, -1, -3])
  func `every layer of the vision encoder can be selected`(layer: Int) throws {
    var description = SampleModel.description
    description.vision[0].selectedLayer = layer
    let model = try Model(
      SampleWeights(), description, tokenizer: nil, context: ExecutionContext())
    let image = try model.encode(
      pixels: .noise(3 * 6 * 4, seed: 1), height: 6, width: 4)
    #expect(image.vision.features.rows == 6 && image.vision.features.columns == 12)
    #expect(image.embeddings?.rows == 6 && image.embeddings?.columns == 16)
  }

  @Test func `counting layers from either end selects the same one`() throws {
    func features(_ layer: Int) throws -> Matrix {
      var description = SampleModel.description
      description.vision[0].selectedLayer = layer
      let model = try Model(
        SampleWeights(), description, tokenizer: nil, context: ExecutionContext())
      return try model.encode(pixels: .noise(72, seed: 1), height: 6, width: 4).vision.features
    }
    for (fromFront, fromBack) in [(0, -3), (1, -2), (2, -1)] {
      #expect(try features(fromFront) == features(fromBack))
    }
    #expect(try features(0) != features(1))
    #expect(try features(1) != features(2))
  }

  @Test(arguments: ConnectorDescription.Kind.allCases)
  func `a description survives being written and read`(kind: ConnectorDescription.Kind) throws {
    var description = SampleModel.description
    description.connector?.kind = kind
    if kind == .projections {
      description.connector?.scan = nil
      description.connector?.normalization = nil
    }
    description.vision[0].classes = ["a", "b"]
    let json = try JSON(encoding: description)
    #expect(try json.decode(as: ModelDescription.self) == description)
    #expect(try JSON(parsing: Array(json.canonicalText.utf8)) == json)
  }

  @Test func `members of a written description have stable names`() throws {
    let json = try JSON(encoding: SampleModel.description)
    #expect(json["profile"]?.stringValue == "vlmamba")
    let layer = json["language"]?["layers"]?.arrayValue?.first
    #expect(layer?["mixer"]?["mamba"]?["innerWidth"]?.intValue == 24)
    #expect(json["vision"]?.arrayValue?.first?["activation"]?.stringValue == "gelu_pytorch_tanh")
    #expect(json["connector"]?["scan"]?["paths"]?.stringValue == "cross")
    #expect(json["prompt"]?["suffix"]?.stringValue == " A:")
    #expect(json["imageProcessors"]?.arrayValue == [])
  }

  @Test func `a description with a missing or wrong member is refused`() throws {
    let json = try JSON(encoding: SampleModel.description)
    for path in ["profile", "language/width", "connector/scan/kind"] {
      #expect(throws: JSONError.self) {
        try json.replacing(path, with: nil).decode(as: ModelDescription.self)
      }
      #expect(throws: JSONError.self) {
        try json.replacing(path, with: .array([])).decode(as: ModelDescription.self)
      }
    }
  }

  @Test func `the prompt for a question is put around it once`() {
    let prompt = PromptDescription(prefix: "\nQuestion: ", suffix: "\nAnswer:")
    let text = "\nQuestion: How many?\nAnswer:"
    #expect(prompt.text(for: "How many?") == text)
    #expect(prompt.text(for: text) == text)
    #expect(prompt.text(for: "") == "\nQuestion: \nAnswer:")
    #expect(PromptDescription(prefix: "", suffix: "").text(for: "x") == "x")
    #expect(PromptDescription(prefix: "", suffix: ":").text(for: "x:") == "x::")
  }
}
