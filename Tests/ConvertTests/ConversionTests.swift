import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

@Suite struct ConversionTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: Codec.allCases, ["q4", "q8", "e4", "f16"])
  func `bytes do not depend on the number of threads`(codec: Codec, preset: String) throws {
    let checkpoint = try Checkpoint(directory: Fixtures.model("vlmamba-vss-mlp-csm"))
    let files = try [1, 2, 3].map { threads in
      let reader = try directory.convert(
        checkpoint, Presets.named(preset), as: "\(threads).vlmp", threads: threads, codec: codec)
      return try contents(of: reader.path)
    }
    #expect(files[0] == files[1] && files[0] == files[2])
  }

  @Test func `every codec gives the same planes`() throws {
    let checkpoint = try Checkpoint(directory: Fixtures.model("vlmamba-vss-mlp-csm"))
    let packs = try Codec.allCases.map { codec in
      try directory.convert(
        checkpoint, Presets.named("q4"), as: "\(codec.name).vlmp", codec: codec)
    }
    let planes = try packs.map { try $0.planes() }
    #expect(planes.allSatisfy { $0 == planes[0] })
    #expect(planes[0].count > 100)
    for pack in packs { #expect(try pack.verify(progress: { _, _ in }).isEmpty) }
  }

  @Test(arguments: [2, 5])
  func `shards give the tensors of a single file`(shards: Int) throws {
    let single = try directory.convert(
      directory.checkpoint("mamba1-hf"), Presets.named("q8"), as: "single.vlmp")
    let sharded = try directory.convert(
      directory.checkpoint("mamba1-hf", as: "sharded", shards: shards), Presets.named("q8"),
      as: "sharded.vlmp")
    #expect(sharded.header.tensors == single.header.tensors)
    #expect(sharded.header.model == single.header.model)
    #expect(try sharded.planes() == single.planes())
    #expect(sharded.header.provenance["sources"]?.arrayValue?.count == shards)
  }

  @Test(arguments: ["q8", "e4"])
  func `tensors read in parts are those encoded whole`(name: String) throws {
    let rows = 190_000
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      // 4,560,000 weights are more than are read at a time.
      let values = [Float].noise(24 * 1000, seed: 1).flatMap { $0.bitPattern.bytes }
      $0.tensors["backbone.embeddings.weight"] = .init(
        dataType: .f32, shape: [rows, 24],
        bytes: Array([[UInt8]](repeating: values, count: rows / 1000).joined()))
      $0.tensors["lm_head.weight"] = nil
    }
    let tensor = try #require(checkpoint.tensors["backbone.embeddings.weight"])
    let encoding = try #require(Encodings.requested(name))
    let whole = try EncodedMatrix(
      Matrix(rows: rows, columns: 24, values: tensor.file.floats(of: tensor.info)),
      encoding: encoding)
    let recipe = Recipe(
      name: "test", rules: [.init(role: .embedding, encoding: name), .init(encoding: "source")])
    let reader = try directory.convert(checkpoint, recipe, threads: 2)
    let read = try PackWeightSource(reader).matrix(
      "language.embedding.weight", rows: rows, columns: 24)
    #expect(read.planes == whole.planes)
  }

  /// The weights of a checkpoint encoded as a plan says, without a file.
  struct EncodedWeights: WeightSource {
    let source: CheckpointWeightSource
    let plan: ConversionPlan

    func matrix(_ name: String, rows: Int, columns: Int) throws -> EncodedMatrix {
      let entry = try #require(plan.entry(name))
      let values = try source.matrix(name, rows: entry.rows, columns: entry.columns).expanded()
      let encoded = try EncodedMatrix(values, encoding: entry.encoding)
      return try EncodedMatrix(
        encoding: entry.encoding, rows: rows, columns: columns, planes: encoded.planes)
    }
  }

  private func logits(_ model: Model, _ fixture: String) throws -> [Float] {
    let expected = try Fixtures.expected(fixture)
    var image: Model.EncodedImage?
    if let pixels = try expected.floats("pixel_values"), let shape = expected.shape("pixel_values")
    {
      image = try model.encode(pixels: pixels, height: shape[1], width: shape[2])
    }
    guard let language = model.language else { return image?.vision.features.values ?? [] }
    var state = language.initialState
    if let embeddings = image?.embeddings {
      _ = language.run(embeddings, state: &state, model.context)
    }
    let ids = try #require(try expected.integers("input_ids"))
    let hidden = language.run(try language.embed(ids), state: &state, model.context)
    return language.logits(hidden, model.context).values
  }

  @Test(arguments: Fixtures.models, ["q4", "q8", "q5g16", "e3", "bf16", "f32"])
  func `a pack gives the outputs of weights encoded in memory`(
    fixture: String, preset: String
  ) throws {
    let checkpoint = try Checkpoint(directory: Fixtures.model(fixture))
    let recipe = try Presets.named(preset)
    let reader = try directory.convert(checkpoint, recipe)
    let plan = try ConversionPlan(checkpoint, recipe: recipe)
    let inMemory = try Model(
      EncodedWeights(source: CheckpointWeightSource(checkpoint), plan: plan), plan.description,
      tokenizer: nil, context: ExecutionContext())
    let packed = try ModelLoader.load(path: reader.path, context: ExecutionContext())
    #expect(packed.description == plan.description)
    let found = try logits(packed, fixture)
    #expect(try found == logits(inMemory, fixture))
    #expect(!found.isEmpty && found.allSatisfy(\.isFinite))
    guard preset == "f32" else { return }
    let original = try ModelLoader.load(
      path: checkpoint.directory, context: ExecutionContext())
    #expect(try found == logits(original, fixture))
  }

  @Test func `a pack says where it comes from and how it was made`() throws {
    let checkpoint = try directory.checkpoint("mamba1-hf") { $0.configure("hidden_size", 32) }
    let recipe = try Presets.named("q8")
    let header = try directory.convert(checkpoint, recipe).header
    #expect(try header.recipe.decode(as: Recipe.self) == recipe)
    #expect(header.provenance["tool"]?.stringValue == "vlm-convert")
    #expect(header.provenance["version"]?.stringValue == ConversionPipeline.toolVersion)
    let bytes = try contents(of: checkpoint.directory + "/model.safetensors")
    #expect(
      header.provenance["sources"]
        == [
          [
            "name": "model.safetensors", "bytes": .integer(Int64(bytes.count)),
            "sha256": .string(sha256(bytes).hexText),
          ]
        ])
    #expect(
      header.provenance["notes"]
        == ["config.json says hidden_size 32, the tensors say 24: 24 is used"])
    #expect(header.evaluation == .null)
    #expect(!header.json.canonicalText.contains(directory.path))
  }

  @Test func `files that belong to a model travel with it`() throws {
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      for name in ["LICENSE", "README.md", "chat_template.jinja", "secret.txt"] {
        $0.files[name] = "text of \(name)"
      }
    }
    let reader = try directory.convert(checkpoint, Presets.named("q8"))
    let types = Dictionary(
      uniqueKeysWithValues: reader.header.assets.map { ($0.name, $0.mediaType) })
    #expect(
      types == [
        "LICENSE": "text/plain", "README.md": "text/markdown", "chat_template.jinja": "text/plain",
        "config.json": "application/json",
      ])
    #expect(try reader.asset("LICENSE") == Array("text of LICENSE".utf8))
    #expect(try reader.asset("secret.txt") == nil)
    #expect(try reader.asset("config.json") == checkpoint.text("config.json"))
  }

  @Test func `progress counts the weights`() throws {
    let plan = try ConversionPlan(
      Checkpoint(directory: Fixtures.model("mamba1-hf")), recipe: Presets.named("q8"))
    let writer = try PackWriter(
      output: directory.file("out.vlmp"), codec: .zstd, overwrite: false)
    var reports = [Int]()
    try ConversionPipeline(plan, threads: ThreadPool(threads: 1)).write(to: writer) { done, total in
      #expect(total == plan.parameters)
      reports.append(done)
    }
    #expect(reports == reports.sorted() && reports.last == plan.parameters)
    writer.discard()
    #expect(!FileSystem.exists(directory.file("out.vlmp")))
  }

  @Test func `a pack may be sealed again with an evaluation`() throws {
    let plan = try ConversionPlan(
      Checkpoint(directory: Fixtures.model("mamba1-hf")), recipe: Presets.named("q8"))
    let pipeline = ConversionPipeline(plan, threads: ThreadPool(threads: 1))
    let writer = try PackWriter(
      output: directory.file("out.vlmp"), codec: .zstd, overwrite: false)
    try pipeline.write(to: writer, progress: { _, _ in })
    try pipeline.seal(writer)
    let before = try PackReader(path: writer.temporaryPath).planes()
    try pipeline.seal(writer, evaluation: ["kl_mean": .number(0.5)])
    try writer.publish()
    let reader = try PackReader(path: directory.file("out.vlmp"))
    #expect(reader.header.evaluation == ["kl_mean": .number(0.5)])
    #expect(try reader.planes() == before)
  }
}
