import Convert
import Format
import Foundation
import Quant
import Runtime
import Testing

/// Vision encoders against outputs of transformers, timm and NumPy.
@Suite struct VisionEncoderTests {
  typealias EngineKind = ExecutionContext.EngineKind

  /// Both engines stay below 1e-6; the two forms of GELU, or another epsilon, are 5e-5 and more apart.
  static let bound = 5e-6

  /// Errors of rounding on models this small, whose random weights average little out: the largest measured are
  /// 0.017 for eight bits and 0.26 for four.
  static let roundingBounds = ["f32": 5e-6, "q8": 0.03, "q4": 0.03, "four bits": 0.4]

  /// A preset, or all matrices in four bits: the preset keeps eight for vision encoders.
  private static func recipe(_ name: String) throws -> Recipe {
    guard name == "four bits" else { return try Presets.named(name) }
    let floats = TensorRole.allCases.filter { !$0.isQuantizable }
      .map { Recipe.Rule(role: $0, encoding: Recipe.sourceEncoding) }
    return Recipe(name: name, rules: floats + [Recipe.Rule(encoding: "q4")])
  }

  @Test(arguments: VisionFixture.encoders.keys.sorted(), EngineKind.allCases)
  func `an encoder agrees with its reference`(name: String, engine: EngineKind) throws {
    let fixture = VisionFixture(name: name)
    let model = try ModelLoader.load(
      path: fixture.path, context: ExecutionContext(engine: engine, threads: 2))
    #expect(model.description.profile == VisionFixture.encoders[name])
    let errors = try fixture.errors(fixture.encode(model))
    #expect(errors["vision_features"] != nil)
    for (tensor, error) in errors { #expect(error < Self.bound, "\(tensor): \(error)") }
  }

  @Test(
    arguments: ["vlmamba-clip", "vlmamba-clip-cls"], EngineKind.allCases)
  func `CLIP feeds a connector`(name: String, engine: EngineKind) throws {
    let fixture = VisionFixture(name: name)
    let model = try ModelLoader.load(
      path: fixture.path, context: ExecutionContext(engine: engine, threads: 2))
    let errors = try fixture.errors(fixture.encode(model))
    #expect(errors["connector_output"] != nil)
    for (tensor, error) in errors { #expect(error < Self.bound, "\(tensor): \(error)") }
  }

  @Test func `DINOv2 feeds a connector, with its own tokens or without`() throws {
    let context = ExecutionContext(engine: .reference)
    let copy = try ChangedCheckpoint("vlmamba-linear")
    try copy.replaceTower(with: "dinov2-reg")
    copy.set("mm_grid", nil)
    let fixture = VisionFixture(name: "dinov2-reg")
    let patches = try fixture.encode(copy.pack(Self.recipe("f32"), context))
    copy.set("mm_vision_select_feature", .string("cls_patch"))
    let model = try copy.pack(Self.recipe("f32"), context)
    let all = try fixture.encode(model)
    let shape = try #require(model.vision.first).shape
    #expect(shape.kind == .dinov2 && shape.registers > 0)
    let count = patches.vision.features.rows
    #expect(
      try fixture.expected("vision_features")?.count == (shape.prefixTokens + count) * shape.width)
    #expect(patches.embeddings?.rows == count)
    #expect(all.embeddings?.rows == shape.prefixTokens + count)
    #expect(
      all.vision.features.rows(shape.prefixTokens..<shape.prefixTokens + count)
        == patches.vision.features)
  }

  @Test(arguments: VisionFixture.encoders.keys.sorted(), ["f32", "q8", "q4", "four bits"])
  func `a pack of an encoder stays near its reference`(name: String, preset: String) throws {
    let fixture = VisionFixture(name: name)
    let bound = try #require(Self.roundingBounds[preset])
    for engine in EngineKind.allCases {
      let model = try ChangedCheckpoint(name)
        .pack(Self.recipe(preset), ExecutionContext(engine: engine, threads: 1))
      for (tensor, error) in try fixture.errors(fixture.encode(model)) {
        #expect(error < bound, "\(tensor), \(engine): \(error)")
      }
    }
  }

  @Test(arguments: VisionFixture.encoders.keys.sorted())
  func `an unpacked encoder is recognised again and has the same features`(name: String) throws {
    let fixture = VisionFixture(name: name)
    let copy = try ChangedCheckpoint(name)
    let context = ExecutionContext(engine: .reference)
    let packed = try copy.pack(Self.recipe("f32"), context)
    let directory = copy.path + "/unpacked"
    try Unpacking.unpack(
      PackReader(path: copy.path + "/model.vlmp"), to: directory, overwrite: false,
      progress: { _, _ in })
    let model = try ModelLoader.load(path: directory, context: context)
    #expect(model.description == packed.description)
    #expect(
      try fixture.encode(model).vision.features == fixture.encode(packed).vision.features)
  }

  @Test(arguments: ["clip-vit", "siglip", "dinov2", "dinov2-reg", "internvit", "timm-vit-dinov2"])
  func `images of other sizes are encoded with resampled positions`(name: String) throws {
    let context = ExecutionContext(engine: .fast)
    let model = try ModelLoader.load(path: VisionFixture(name: name).path, context: context)
    let shape = try #require(model.vision.first).shape
    let (rows, columns) = (2, 5)
    // The last pixels of each side are too few for a patch.
    let (height, width) = (rows * shape.patchSize + 1, columns * shape.patchSize + 3)
    let pixels = (0..<3 * height * width).map { Float($0 % 17) / 17 - 0.5 }
    let features = try model.encode(pixels: pixels, height: height, width: width).vision.features
    #expect(features.rows == shape.prefixTokens + rows * columns)
    #expect(features.values.allSatisfy { $0.isFinite })
  }

  @Test(arguments: ["clip-vit", "dinov2"])
  func `pixels that fill no patch are refused`(name: String) throws {
    let model = try ModelLoader.load(
      path: VisionFixture(name: name).path, context: ExecutionContext())
    let side = try #require(model.vision.first).shape.patchSize
    #expect(
      throws: ModelError.misshapenInput(
        "pixel_values", found: [3, side - 1, side],
        expected: "[3, H, W] of 1 to \(VisionModel.patchLimit) patches of \(side) × \(side)")
    ) {
      try model.encode(
        pixels: [Float](repeating: 0, count: 3 * side * (side - 1)), height: side - 1, width: side)
    }
  }

  @Test func `features of a model are at no distance from themselves`() throws {
    let images = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/images").path
    let copy = try ChangedCheckpoint("dinov2")
    _ = try copy.open()
    let side = 20
    try Data(
      """
      {"size": {"height": \(side), "width": \(side)}, "resample": 3, "do_center_crop": false,
       "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
      """.utf8
    ).write(to: URL(filePath: copy.path + "/preprocessor_config.json"))
    let paths = try Self.readable(ImageDirectory.paths(images))
    let context = ExecutionContext(engine: .reference)
    let model = try ModelLoader.load(path: copy.path, context: context)
    let rounded = try copy.pack(Self.recipe("q8"), context)
    let same = try FeatureEvaluation(
      images: paths, model: model, against: model, threads: ThreadPool(threads: 2)
    ) { _, _ in }
    #expect(same.cosine.count == paths.count && !paths.isEmpty)
    #expect(abs(same.smallestCosine - 1) < 1e-12)
    #expect(same.relativeError.mean == 0)
    let near = try FeatureEvaluation(
      images: paths, model: rounded, against: model, threads: ThreadPool(threads: 2)
    ) { _, _ in }
    #expect(near.smallestCosine <= near.cosine.mean)
    #expect(near.smallestCosine > 0.99 && near.smallestCosine < 1)
    #expect(near.relativeError.mean > 0)
    var report = EvaluationReport()
    report.add(near)
    let json = try JSON(encoding: report)
    #expect(json["images"]?.intValue == paths.count)
    #expect(json["feature_cosine_min"]?.doubleValue == near.smallestCosine)
    #expect(json["feature_cosine_mean"]?.doubleValue == near.cosine.mean)
    #expect(json["feature_relative_error"]?.doubleValue == near.relativeError.mean)
  }

  /// Some of the fixtures are damaged on purpose.
  private static func readable(_ paths: [String]) -> [String] {
    paths.filter { (try? RGBImage(contentsOf: $0)) != nil }
  }

  @Test func `nothing to compare is an error`() throws {
    let model = try ModelLoader.load(
      path: VisionFixture(name: "dinov2").path, context: ExecutionContext())
    #expect(throws: ModelError.nothingToEvaluate("there are no PNG or JPEG files")) {
      try FeatureEvaluation(
        images: [], model: model, against: model, threads: ThreadPool(threads: 1)
      ) { _, _ in }
    }
  }
}
