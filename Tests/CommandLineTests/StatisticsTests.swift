import Format
import Foundation
import Testing

/// `convert --statistics`.
@Suite struct StatisticsTests {
  private static let projection = "moments.language.layers.0.mixer.inputProjection.weight"

  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try workplace.write(SampleText.varied, to: "sample.txt")
  }

  /// Writes `statistics` and `first.vlmp`.
  private func gather(_ preset: String = "e4") throws {
    try Program.run(
      "model", "-o", "first.vlmp", "--quantize", preset, "--calibrate", "sample.txt",
      "--statistics", "statistics", in: workplace
    ).expectSuccess()
  }

  @Test(arguments: ["q4", "q8", "e4"])
  func `statistics give the bytes of the calibration that gathered them`(preset: String) throws {
    try workplace.makeTiedTextModel()
    try gather(preset)
    try Program.run(
      "model", "-o", "direct.vlmp", "--quantize", preset, "--calibrate", "sample.txt",
      in: workplace
    ).expectSuccess()
    let written = try workplace.bytes("statistics")
    try workplace.remove("sample.txt")
    try Program.run(
      "model", "-o", "second.vlmp", "--quantize", preset, "--statistics", "statistics",
      in: workplace
    ).expectSuccess()
    let direct = try workplace.bytes("direct.vlmp")
    #expect(try workplace.bytes("first.vlmp") == direct)
    #expect(try workplace.bytes("second.vlmp") == direct)
    #expect(try workplace.bytes("statistics") == written)
  }

  @Test func `the bytes depend neither on threads nor on folders`() throws {
    try workplace.makeTextModel()
    try gather()
    try workplace.createDirectory("other")
    try FileManager.default.moveItem(
      atPath: workplace.path("sample.txt"), toPath: workplace.path("other/sample.txt"))
    try Program.run(
      "model", "-o", "other/out.vlmp", "--quantize", "e4", "--calibrate", "other/sample.txt",
      "--statistics", "other/statistics", "--threads", "1", in: workplace
    ).expectSuccess()
    #expect(try workplace.bytes("statistics") == workplace.bytes("other/statistics"))
  }

  /// What a norm makes of embeddings is known without running a model.
  @Test func `moments are those of the inputs, in double precision`() throws {
    try workplace.makeTextModel()
    try workplace.write(SampleText.english, to: "sample.txt")
    try gather()
    let model = try SafetensorsFile(path: workplace.path("model/model.safetensors"))
    func floats(_ name: String) throws -> [Double] {
      try model.floats(of: #require(model.tensors[ExactString(name)])).map { Double($0) }
    }
    let (embedding, norm) = (
      try floats("backbone.embeddings.weight"), try floats("backbone.layers.0.norm.weight")
    )
    let width = norm.count
    var expected = [Double](repeating: 0, count: width * width)
    for token in [0] + SampleText.english.utf8.map({ Int($0) + 1 }) {
      let row = embedding[token * width..<(token + 1) * width]
      let square = row.reduce(0) { $0 + $1 * $1 } / Double(width)
      let input = zip(row, norm).map { $0 * $1 / (square + 1e-4).squareRoot() }
      for first in 0..<width {
        for second in 0..<width { expected[first * width + second] += input[first] * input[second] }
      }
    }
    let found = try StatisticsFile(workplace.bytes("statistics")).values(Self.projection)
    try #require(found.count == width * (width + 1) / 2)
    var next = 0
    for first in 0..<width {
      for second in first..<width {
        // Sums of 146 products in single precision.
        let scale = (expected[first * (width + 1)] * expected[second * (width + 1)]).squareRoot()
        #expect(abs(found[next] - expected[first * width + second]) <= 1e-5 * scale)
        next += 1
      }
    }
  }

  @Test func `the file says where its contents are from`() throws {
    try workplace.makeTiedTextModel()
    try gather()
    let description = try StatisticsFile(workplace.bytes("statistics")).description
    #expect(description["version"] == .integer(2))
    #expect(description["recipe"] == .string("e4"))
    #expect(description["requestedTokens"] == .integer(32768))
    #expect(description["tokens"] == description["importancePositions"])
    #expect(description["model"]?.stringValue?.count == 64)
    let text = description["texts"]?.arrayValue?.first
    #expect(text?["name"] == .string("sample.txt"))
    #expect(text?["bytes"]?.intValue == SampleText.varied.utf8.count)
    let encodings = description["encodings"]?.objectValue ?? [:]
    #expect(encodings["language.embedding.weight"]?.stringValue?.hasPrefix("e") == true)
  }

  @Test(arguments: ["e3", "q4", "q8"])
  func `statistics serve other recipes`(preset: String) throws {
    try workplace.makeTiedTextModel()
    try gather("e4")
    try Program.run(
      "model", "-o", "out.vlmp", "--quantize", preset, "--statistics", "statistics", "--strict",
      in: workplace
    ).expectSuccess()
    try Program.run("verify", "out.vlmp", in: workplace).expectSuccess()
    #expect(try !workplace.calibration(of: "out.vlmp").isEmpty)
  }

  @Test func `a recipe that rounds more than the one of the statistics`() throws {
    try workplace.makeTextModel()
    try workplace.write("rules:\n  - {role: head, encoding: f32}\n", to: "recipe.yaml")
    try Program.run(
      "model", "-o", "first.vlmp", "--recipe", "recipe.yaml", "--quantize", "q8", "--calibrate",
      "sample.txt", "--statistics", "statistics", in: workplace
    ).expectSuccess()
    try convert(expecting: 65, "tensor moments.language.head.weight is missing")
  }

  @Test func `statistics of another model`() throws {
    try workplace.makeTextModel()
    try gather()
    try workplace.makeTextModel(as: "other", headScale: 2)
    try workplace.remove("model")
    try FileManager.default.moveItem(
      atPath: workplace.path("other"), toPath: workplace.path("model"))
    try convert(expecting: 65, "statistics: the model that it describes is")
  }

  @Test func `statistics that do not exist, without a text`() throws {
    try workplace.makeTextModel()
    try convert(expecting: 66, "cannot open statistics")
  }

  @Test func `statistics of other texts or of fewer tokens than are asked for`() throws {
    try workplace.makeTextModel()
    try gather()
    try Program.run(
      "model", "-o", "out.vlmp", "--calibrate", "sample.txt", "--statistics", "statistics",
      "--calibration-tokens", "600", in: workplace
    ).expectFailure(65, "one on 32768 tokens of sample.txt")
    try workplace.write(SampleText.english, to: "sample.txt")
    try Program.run(
      "model", "-o", "out.vlmp", "--calibrate", "sample.txt", "--statistics", "statistics",
      in: workplace
    ).expectFailure(65, "without --calibrate it is used as it is")
    #expect(!workplace.exists("out.vlmp"))
  }

  @Test func `nothing remains of statistics if calibration fails`() throws {
    try workplace.makeTextModel()
    var file = try TensorFile(reading: workplace.url("model/model.safetensors"))
    file.set(.pattern("backbone.layers.1.norm.weight", shape: [24], scale: 0))
    try workplace.write(file.encoded, to: "model/model.safetensors")
    try Program.run(
      "model", "-o", "out.vlmp", "--calibrate", "sample.txt", "--statistics", "statistics",
      "--strict", in: workplace
    ).expectFailure(65, "cannot be calibrated")
    #expect(try workplace.names == ["model", "sample.txt"])
  }

  @Test func `statistics that cannot be written`() throws {
    try workplace.makeTextModel()
    try Program.run(
      "model", "-o", "out.vlmp", "--calibrate", "sample.txt", "--statistics", "none/statistics",
      in: workplace
    ).expectFailure(73, "cannot create none/statistics")
    #expect(try workplace.names == ["model", "sample.txt"])
  }

  private func convert(expecting status: Int32, _ message: String) throws {
    try Program.run("model", "-o", "out.vlmp", "--statistics", "statistics", in: workplace)
      .expectFailure(status, message)
    #expect(!workplace.exists("out.vlmp"))
    #expect(try !workplace.names.contains { $0.hasPrefix(".unfinished") })
  }

  private func convertBroken(
    _ message: String, _ change: (inout StatisticsFile) throws -> Void
  ) throws {
    try workplace.makeTiedTextModel()
    try gather()
    var file = try StatisticsFile(workplace.bytes("statistics"))
    try change(&file)
    try workplace.write(file.encoded, to: "statistics")
    try Program.run(
      "model", "-o", "out.vlmp", "--quantize", "e4", "--statistics", "statistics", in: workplace
    ).expectFailure(65, "statistics: ", message)
    #expect(!workplace.exists("out.vlmp"))
  }

  @Test(arguments: [
    Double.nan, .infinity, -.infinity, -1, 1e300,
  ])
  func `a mean square that is none`(value: Double) throws {
    try convertBroken("the mean square of input 0 in \(Self.projection)") {
      $0.set(Self.projection, 0, value)
    }
  }

  @Test(arguments: [Double.nan, .infinity, 1e30, -1e30])
  func `a product of inputs that cannot be`(value: Double) throws {
    try convertBroken("the product of inputs 0 and 1 in \(Self.projection)") {
      $0.set(Self.projection, 1, value)
    }
  }

  @Test(arguments: [Double.nan, .infinity, 1e300, -1e300])
  func `a lack that cannot be`(value: Double) throws {
    let name = "lack.language.layers.1.mixer.outputProjection.weight"
    try convertBroken("element 3 of \(name)") { $0.set(name, 3, value) }
  }

  @Test(arguments: [Double.nan, .infinity, -1, 1e9])
  func `an importance that cannot be`(value: Double) throws {
    try convertBroken("element 5 of token_importance") { $0.set("token_importance", 5, value) }
  }

  @Test(
    arguments: [
      ("version", .integer(1), "the version is 1, expected 2"),
      ("version", nil, "“version” is missing"),
      ("tokens", .integer(0), "the number of tokens"),
      ("tokens", .integer(Int64.max), "the number of tokens"),
      ("importancePositions", .integer(-5), "the number of tokens"),
      ("importancePositions", nil, "the number of positions is missing"),
      ("model", .string("\u{1B}[31m"), "the model that it describes is \\u"),
      ("encodings", .array([]), "“encodings” is not acceptable"),
    ] as [(String, JSON?, String)])
  func `a description that is wrong`(key: String, value: JSON?, message: String) throws {
    try convertBroken(message) { try $0.describe(key, value) }
  }

  @Test func `a description that is no JSON`() throws {
    try convertBroken("expected") { $0.describe("{") }
  }

  @Test func `a tensor of another name or shape`() throws {
    try convertBroken("tensor \(Self.projection) is missing") { $0.rename(Self.projection, "a") }
    try workplace.remove("model")
    for name in ["statistics", "first.vlmp"] { try workplace.remove(name) }
    let other = "moments.language.layers.1.mixer.inputProjection.weight"
    try convertBroken("the shape of tensor \(other) is [320], expected [300]") { file in
      let entries = (file.header["token_importance"], file.header[ExactString(other)])
      file.header["token_importance"] = entries.1
      file.header[ExactString(other)] = entries.0
    }
  }

  @Test func `a file that is cut off, or is something else`() throws {
    try workplace.makeTextModel()
    try gather()
    let whole = try workplace.bytes("statistics")
    for count in [0, 4, 8, 100, whole.count / 2, whole.count - 1] {
      try workplace.write(Array(whole.prefix(count)), to: "statistics")
      try convert(expecting: 65, "statistics")
    }
    try FileManager.default.removeItem(atPath: workplace.path("statistics"))
    try FileManager.default.copyItem(
      atPath: workplace.path("model/model.safetensors"), toPath: workplace.path("statistics"))
    try convert(expecting: 65, "expected statistics of a calibration")
  }

  @Test func `a vision encoder alone`() throws {
    try workplace.makeTextModel()
    try gather()
    try workplace.remove("model")
    try workplace.copyModel("siglip")
    try convert(expecting: 64, "the model has no language model, which --calibrate needs")
  }
}
