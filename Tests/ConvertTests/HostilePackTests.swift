import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

/// Packs whose checksums are right and whose contents are not.
@Suite struct HostilePackTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The description of a committed model.
  private func description(_ fixture: String = "mamba1-hf") throws -> JSON {
    try JSON(
      encoding: CheckpointWeightSource(Checkpoint(directory: Fixtures.model(fixture))).description)
  }

  /// A pack with that description and one tensor whose planes have as many bytes as asked for, whatever its shape.
  private func pack(
    _ model: JSON, tensor: String = "language.embedding.weight", encoding: String = "f32",
    shape: [Int] = [1], rows: Int = 1, columns: Int = 1, bytes: Int = 2,
    tokenizer: String? = nil
  ) throws -> PackReader {
    let path = directory.file("hostile.vlmp")
    let writer = try PackWriter(output: path, codec: .stored, overwrite: true)
    let planes = Encodings.named(encoding)?.planes.map(\.name) ?? ["values"]
    try writer.beginTensor(
      name: tensor, source: "x", role: "embedding", shape: shape, rows: rows, columns: columns,
      encoding: encoding, reason: "x",
      planes: planes.map { PlannedPlane($0, bytes: bytes) })
    try writer.append(planes.map { _ in [UInt8](repeating: 1, count: bytes) })
    try writer.endTensor()
    if let tokenizer {
      try writer.addAsset(
        name: "tokenizer.json", mediaType: "application/json", bytes: Array(tokenizer.utf8))
    }
    try writer.seal(model: model, recipe: [:], provenance: [:], evaluation: .null)
    try writer.publish()
    return try PackReader(path: path)
  }

  private func unpack(_ reader: PackReader) throws {
    try Unpacking.unpack(
      reader, to: directory.file("unpacked"), overwrite: true, progress: { _, _ in })
  }

  private func load(_ reader: PackReader) throws {
    _ = try ModelLoader.load(path: reader.path, context: ExecutionContext())
  }

  /// Shapes that a header may state because their product fits 63 bits.
  static let shapes = [
    (0, Int.max), (Int.max, 0), (1, Int.max), (Int.max, 1), (1 << 31, 1 << 31), (1 << 60, 2),
    (37, 24),
  ]

  @Test(arguments: ["f32", "bf16", "q8", "q4", "e"], shapes)
  func `tensors of absurd shapes are refused`(encoding: String, shape: (Int, Int)) throws {
    let reader = try pack(
      description(), encoding: encoding, shape: [shape.0, shape.1], rows: shape.0,
      columns: shape.1)
    let error = ModelError.misshapenPlanes(tensor: "language.embedding.weight", file: reader.path)
    #expect(throws: error) { try unpack(reader) }
    #expect(throws: ModelError.self) { try load(reader) }
    #expect(!FileSystem.exists(directory.file("unpacked")))
  }

  @Test func `an unknown encoding is refused`() throws {
    let reader = try pack(description(), encoding: "q3")
    #expect(
      throws: ModelError.unknownEncoding(
        "q3", tensor: "language.embedding.weight", file: reader.path)
    ) { try unpack(reader) }
    #expect(throws: ModelError.self) { try load(reader) }
  }

  @Test func `a tensor without a place in the model is refused`() throws {
    let reader = try pack(description(), tensor: "language.other")
    #expect(
      throws: ModelError.contradiction(
        "\(reader.path): tensor “language.other” has no place in mamba1-hf")
    ) { try unpack(reader) }
  }

  @Test func `a tensor that the model needs and the pack lacks is named`() throws {
    let reader = try pack(
      description(), tensor: "language.normalization.weight", encoding: "bf16", shape: [24],
      columns: 24, bytes: 48)
    #expect(
      throws: ModelError.missingTensor("language.embedding.weight", file: reader.path)
    ) { try load(reader) }
    #expect(
      throws: ModelError.missingTensor("language.embedding.weight", file: reader.path)
    ) { try unpack(reader) }
  }

  @Test(arguments: [1, 2])
  func `of a wrong tokenizer and wrong weights the tokenizer is named`(threads: Int) throws {
    let reader = try pack(
      description(), tensor: "language.normalization.weight", encoding: "bf16", shape: [24],
      columns: 24, bytes: 48, tokenizer: "{}")
    #expect(
      throws: TokenizerError(
        file: "\(reader.path), tokenizer.json", fault: .missing(item: "version"))
    ) { try ModelLoader.load(path: reader.path, context: ExecutionContext(threads: threads)) }
  }

  @Test func `a tensor of another shape than the model's is refused`() throws {
    let reader = try pack(description(), encoding: "bf16")
    #expect(
      throws: ModelError.misshapenTensor(
        "language.embedding.weight", file: reader.path, found: [1], expected: [37, 24])
    ) { try unpack(reader) }
    #expect(
      throws: ModelError.misshapenTensor(
        "language.embedding.weight", file: reader.path, found: [1, 1], expected: [37, 24])
    ) { try load(reader) }
  }

  @Test func `an unknown profile is refused`() throws {
    let reader = try pack(description().replacing("profile", with: "mamba9"))
    #expect(throws: ConvertError.unknownProfile("mamba9", file: reader.path)) {
      try unpack(reader)
    }
  }

  static let descriptions: [(String, JSON)] = [
    ("language/layers", []), ("language/vocabularySize", .integer(.max)),
    ("language/width", .integer(.max)),
    ("language/layers/0/mixer/mamba/innerWidth", 1_099_511_627_776),
    ("language/layers/0/mixer/mamba/convolutionWidth", 0),
    ("language/layers/1/mixer/mamba/stateSize", .integer(.min)),
    ("vision/0/gridRows", 4_294_967_296),
    ("vision/0/patchSize", 0), ("vision/0/heads", 0), ("vision/0/selectedLayer", .integer(.min)),
    ("connector/scan/gridColumns", 0), ("connector/scan/mixer/timeStepRank", .integer(.max)),
  ]

  @Test(arguments: descriptions)
  func `a description of absurd sizes is refused`(path: String, value: JSON) throws {
    let model = try description("vlmamba-vss-l2-csm").replacing(path, with: value)
    let reader = try pack(model)
    for use in [unpack, load] { #expect(throws: ModelError.self) { try use(reader) } }
  }

  static let members: [(String, JSON?)] = [
    ("profile", nil), ("language/layers", 3), ("language/width", .number(1e300)),
    ("language/width", .number(2.5)), ("language/layers/0/mixer", ["transformer": [:]]),
    ("vision", nil), ("language/endOfText", ["x"]), ("language/layers/0/mixer", []),
  ]

  @Test(arguments: members)
  func `a description that cannot be read is refused with the file`(
    path: String, value: JSON?
  ) throws {
    let reader = try pack(description().replacing(path, with: value))
    for use in [unpack, load] {
      do {
        try use(reader)
        Issue.record("nothing was refused")
      } catch ConvertError.malformedJSON(let file, let reason) {
        #expect(file == reader.path)
        #expect(reason.hasPrefix("the model description cannot be read: "))
      }
    }
  }

  @Test func `the largest sizes that are accepted do not trap`() throws {
    var model = try description("vlmamba-vss-l2-csm")
    let limit = JSON.integer(Int64(ModelDescription.sizeLimit))
    for part in ["language/layers/0/mixer/mamba/", "connector/scan/mixer/"] {
      model = model.replacing(part + "innerWidth", with: limit)
        .replacing(part + "stateSize", with: 4096).replacing(part + "timeStepRank", with: 65_536)
        .replacing(part + "convolutionWidth", with: 63)
    }
    model = model.replacing("language/layers/0/mixer/mamba/width", with: limit)
      .replacing("language/width", with: limit).replacing("language/vocabularySize", with: limit)
    let layer = try #require(model["language"]?["layers"]?.arrayValue?.first)
    model = model.replacing(
      "language/layers", with: .array([JSON](repeating: layer, count: 4096))
    )
    .replacing("connector/outputWidth", with: limit)
    .replacing("vision/0/feedForwardWidth", with: limit)
    .replacing("vision/0/patchSize", with: 256)
    let reader = try pack(model)
    for use in [unpack, load] { #expect(throws: ModelError.self) { try use(reader) } }
  }
}
