import Format
import Quant
import TestSupport
import Testing

@testable import Convert

@Suite struct RecipeTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// The encoding that a list of rules gives a tensor.
  private func encoding(
    _ rules: [Recipe.Rule], _ name: String, _ role: TensorRole = .projection, parameters: Int = 1000
  ) throws -> String {
    try Recipe(name: "test", rules: rules).rule(for: name, role, parameters: parameters).encoding
  }

  @Test func `the first rule that fits counts`() throws {
    let rules: [Recipe.Rule] = [
      .init(tensor: "a.*", encoding: "q8"), .init(role: .head, encoding: "q6"),
      .init(tensor: "a.b", encoding: "f16"), .init(encoding: "q4"),
    ]
    #expect(try encoding(rules, "a.b") == "q8")
    #expect(try encoding(rules, "a.b", .head) == "q8")
    #expect(try encoding(rules, "b", .head) == "q6")
    #expect(try encoding(rules, "b") == "q4")
  }

  @Test func `all conditions of a rule must fit`() throws {
    let rules: [Recipe.Rule] = [
      .init(tensor: "a*", role: .embedding, parametersBelow: 100, encoding: "q8"),
      .init(encoding: "q4"),
    ]
    #expect(try encoding(rules, "ab", .embedding, parameters: 99) == "q8")
    #expect(try encoding(rules, "ab", .embedding, parameters: 100) == "q4")
    #expect(try encoding(rules, "ab", .head, parameters: 99) == "q4")
    #expect(try encoding(rules, "b", .embedding, parameters: 99) == "q4")
  }

  @Test func `a tensor that no rule covers is named`() {
    #expect(throws: ConvertError.uncoveredTensor("b", recipe: "test")) {
      _ = try encoding([.init(tensor: "a", encoding: "q8")], "b")
    }
  }

  /// Pattern, text, fits.
  static let patterns: [(String, String, Bool)] = [
    ("a.b", "a.b", true), ("a.b", "a.bc", false), ("a.b", "aXb", false), ("", "", true),
    ("", "a", false), ("*", "", true), ("*", "anything", true), ("a*", "a", true),
    ("a*", "ba", false), ("*a", "ba", true), ("*a", "ab", false), ("a*a", "a", false),
    ("a*a", "aa", true), ("*.mixer.*.weight", "x.mixer.in.weight", true),
    ("*.mixer.*.weight", "x.mixer.weight", false), ("a*b*c", "aXbYbZc", true),
    ("a*b*c", "acb", false), ("**", "a", true), ("a**c", "abc", true), ("*ab*ab*", "ab", false),
    ("*ab*ab*", "abab", true), ("a*bc", "abcbc", true),
  ]

  @Test(arguments: patterns)
  func `a star stands for any characters`(pattern: String, text: String, fits: Bool) {
    #expect(Glob(pattern).matches(text) == fits)
  }

  @Test func `a recipe survives being written and read`() throws {
    let recipe = Recipe(
      name: "test",
      rules: [
        .init(
          tensor: "a*", role: .embedding, parametersBelow: 5, encoding: "q8", reason: "because"),
        .init(encoding: "source"),
      ])
    #expect(try JSON(encoding: recipe).decode(as: Recipe.self) == recipe)
  }

  @Test(arguments: ["q8", "q6g16", "q4"])
  func `what must stay a float is not quantized`(name: String) throws {
    let checkpoint = try Checkpoint(directory: Fixtures.model("mamba1-hf"))
    #expect(
      throws: ConvertError.notQuantizable(
        tensor: "language.layers.0.normalization.weight", role: "normalization", encoding: name)
    ) { try ConversionPlan(checkpoint, recipe: .all(name)) }
    let bias = Recipe(
      name: "test",
      rules: [.init(role: .bias, encoding: name), .init(encoding: "source")])
    #expect(
      throws: ConvertError.notQuantizable(
        tensor: "language.layers.0.mixer.inputProjection.bias", role: "bias", encoding: name)
    ) { try ConversionPlan(checkpoint, recipe: bias) }
  }

  @Test func `an unknown encoding is refused with the known ones`() throws {
    let checkpoint = try Checkpoint(directory: Fixtures.model("mamba1-hf"))
    #expect(
      throws: ConvertError.unknownEncoding("q3", known: Encodings.requestable)
    ) { try ConversionPlan(checkpoint, recipe: .all("q3")) }
  }

  @Test func `roles that may be quantized are those of matrix products and lookups`() {
    #expect(TensorRole.allCases.filter(\.isQuantizable) == [.embedding, .projection, .head])
  }

  @Test func `a plan says what each tensor gets and why`() throws {
    let checkpoint = try Checkpoint(directory: Fixtures.model("mamba1-hf"))
    let plan = try ConversionPlan(
      checkpoint,
      recipe: Recipe(
        name: "test",
        rules: [
          .init(role: .head, encoding: "q6", reason: "because"),
          .init(tensor: "*.inputProjection.weight", encoding: "q8"), .init(encoding: "source"),
        ]))
    let head = try #require(plan.entry("language.head.weight"))
    #expect(head.encoding.name == "q6" && head.reason == "because")
    #expect(head.source == "lm_head.weight" && head.shape == [37, 24] && head.role == .head)
    #expect((head.rows, head.columns) == (37, 24) && head.elementCount == 888)
    // In memory 37 rows take three tiles of 16, and 24 columns 32.
    #expect(head.byteCount == 48 * (24 + 2))
    let projection = try #require(plan.entry("language.layers.1.mixer.inputProjection.weight"))
    #expect(projection.encoding.name == "q8" && projection.reason == "recipe")
    let convolution = try #require(plan.entry("language.layers.1.mixer.convolution.weight"))
    #expect((convolution.rows, convolution.columns) == (40, 3) && convolution.shape == [40, 1, 3])
    #expect(plan.parameters == plan.entries.reduce(0) { $0 + $1.elementCount })
    #expect(plan.byteCount == plan.entries.reduce(0) { $0 + $1.byteCount })
    #expect(plan.entries.count == checkpoint.tensors.count)
  }
}

@Suite struct PresetTests {
  @Test(arguments: Presets.names)
  func `a preset covers every fixture`(name: String) throws {
    let recipe = try Presets.named(name)
    #expect(recipe.name == name)
    for fixture in Fixtures.models {
      let plan = try ConversionPlan(
        Checkpoint(directory: Fixtures.model(fixture)), recipe: recipe)
      #expect(plan.entries.allSatisfy { !$0.reason.isEmpty })
      #expect(
        plan.entries.allSatisfy { $0.role.isQuantizable || $0.encoding.isElementwise })
    }
  }

  @Test(arguments: ["f32", "f16", "bf16"])
  func `a float preset gives every tensor that type`(name: String) throws {
    let plan = try ConversionPlan(
      Checkpoint(directory: Fixtures.model("mamba1-hf")), recipe: Presets.named(name))
    #expect(plan.entries.allSatisfy { $0.encoding.name == name })
  }

  @Test(arguments: ["q8", "q8g32", "q6", "q5g256"])
  func `a group preset quantizes matrices and keeps the rest as it is`(name: String) throws {
    let plan = try ConversionPlan(
      Checkpoint(directory: Fixtures.model("mamba1-hf-tied-bf16")), recipe: Presets.named(name))
    for entry in plan.entries {
      #expect(entry.encoding.name == (entry.role.isQuantizable ? name : "bf16"), "\(entry.name)")
    }
  }

  @Test(arguments: [("e4", 4000, 0), ("e2.5", 2500, 0), ("e6", 6000, 2)])
  func `a tier gives every matrix its codes and small parameters grids of their own`(
    name: String, thousandths: Int, finer: Int
  ) throws {
    let plan = try ConversionPlan(
      Checkpoint(directory: Fixtures.model("vlmamba-vss-l2-bsm")), recipe: Presets.named(name))
    for entry in plan.entries where entry.role.isQuantizable {
      #expect(entry.encoding.name == "e", "\(entry.name)")
    }
    let tiers = [
      ("language.layers.0.mixer.timeStepProjection.weight", 300),
      ("language.embedding.weight", 700),
      ("language.layers.0.mixer.inputProjection.weight", 900),
      ("language.layers.1.mixer.inputProjection.weight", 0),
      ("language.layers.1.mixer.outputProjection.weight", 250),
      ("vision.0.layers.0.attention.query.weight", 0),
    ]
    for (tensor, more) in tiers {
      let encoding = try #require(plan.entry(tensor)?.encoding as? EntropyEncoding)
      #expect(encoding.thousandths == thousandths + more, "\(tensor)")
    }
    let parameters = [
      ("language.layers.0.mixer.logarithmicDecay", "fixed\(5 + finer)"),
      ("language.layers.0.mixer.convolution.weight", "fixed\(8 + finer)"),
      ("vision.0.position", "f32"), ("connector.normalization.weight", "f32"),
    ]
    for (tensor, encoding) in parameters {
      #expect(plan.entry(tensor)?.encoding.name == encoding, "\(tensor)")
    }
  }

  @Test func `a recipe may name a tier for some tensors`() throws {
    let plan = try ConversionPlan(
      Checkpoint(directory: Fixtures.model("mamba1-hf")),
      recipe: Recipe(
        name: "test",
        rules: [.init(role: .head, encoding: "e3.5"), .init(encoding: "source")]))
    #expect(plan.entry("language.head.weight")?.encoding.name == "e")
  }

  @Test func `q4 spares what suffers most`() throws {
    let plan = try ConversionPlan(
      Checkpoint(directory: Fixtures.model("vlmamba-vss-l2-bsm")), recipe: Presets.named("q4"))
    let expected = [
      "language.embedding.weight": "q6",
      "language.layers.0.mixer.inputProjection.weight": "q4",
      "language.layers.0.mixer.scanProjection.weight": "q4",
      "language.layers.0.mixer.timeStepProjection.weight": "q8",
      "language.layers.0.mixer.logarithmicDecay": "fixed9",
      "language.layers.0.mixer.convolution.weight": "fixed12",
      "vision.0.layers.0.attention.query.weight": "q8",
      "vision.0.patchEmbedding.weight": "f32",
      "vision.0.position": "f32",
      "connector.inputProjection.weight": "q8",
      "connector.scan.timeStepProjection.weight": "q8",
      "connector.normalization.weight": "f32",
    ]
    for (name, encoding) in expected {
      #expect(plan.entry(name)?.encoding.name == encoding, "\(name)")
    }
  }

  @Test(arguments: ["", "q3", "q8g65", "q4g64", "source", "Q8", "e1.9", "e7.1", "e4.0", "e3.5555"])
  func `a preset that does not exist is refused with the known ones`(name: String) {
    #expect(
      throws: ConvertError.unknownEncoding(
        name, known: Presets.names + ["q8g32, q8g128, e3.5 and the like"])
    ) { try Presets.named(name) }
    #expect(ConvertError.unknownEncoding(name, known: []).kind == .usage)
  }
}

@Suite struct EditDistanceTests {
  @Test(arguments: [
    ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("mamba", "mambo", 1),
    ("flaw", "lawn", 2), ("ä", "a", 2),
  ])
  func `the distance counts edits of bytes`(left: String, right: String, distance: Int) {
    #expect(left.editDistance(to: right) == distance)
    #expect(right.editDistance(to: left) == distance)
  }
}
