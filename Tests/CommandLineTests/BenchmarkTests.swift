import Format
import Testing

/// `benchmark`: what is reported, never how fast it is.
@Suite struct BenchmarkTests {
  private static let brief = "--prompt 6 --decode 3 --repetitions 2"
  private static let language = ["prompt_tokens_per_second", "decode_tokens_per_second"]
  private static let languageAlone =
    language + ["first_token_seconds", "bandwidth_share", "int8_share"]
  private static let image = ["image_encode_seconds"]
  private static let imageAlone = image + ["image_int8_share"]
  private static let always = [
    "load_seconds", "resident_bytes", "peak_resident_bytes", "weight_bytes",
    "bandwidth_bytes_per_second", "int8_operations_per_second",
  ]

  private let workplace: Workplace

  init() throws { workplace = try Workplace() }

  private func benchmark(_ options: String) throws -> JSON {
    let outcome = try Program.shell(
      "exec \"$PROGRAM\" benchmark \(options) \(Self.brief) --json", in: workplace)
    outcome.expectSuccess()
    return try JSON(parsing: Array(outcome.output.utf8))
  }

  private func expect(
    _ result: JSON, numbers: [String], nulls: [String] = [], values: [String],
    noValues: [String] = []
  ) {
    for name in numbers {
      let value = result[name]?.doubleValue
      #expect(value.map { $0 > 0 && $0.isFinite } == true, "\(name): \(value ?? -1)")
    }
    for name in nulls { #expect(result[name] == .null, "\(name)") }
    for name in values {
      let values = result["values"]?[name]?.arrayValue?.compactMap(\.doubleValue) ?? []
      #expect(values.count == 2 && values.allSatisfy { $0 > 0 }, "\(name)")
    }
    for name in noValues { #expect(result["values"]?[name] == .array([]), "\(name)") }
  }

  @Test func `a vision-language model has every figure, for each number of threads`() throws {
    try workplace.makeVisionLanguageModel()
    try Program.run("model", "-o", "out.vlmp", in: workplace).expectSuccess()
    let document = try benchmark("out.vlmp --threads 2,1")
    #expect(document["model"] == .string("out.vlmp"))
    #expect(document["prompt"]?.intValue == 6)
    #expect(document["decode"]?.intValue == 3)
    #expect(document["repetitions"]?.intValue == 2)
    for name in ["kernels", "openblas"] {
      #expect(document[name]?.stringValue?.isEmpty == false, "\(name)")
    }
    #expect(document["engine"] == .string("fast"))
    #expect(document["state"] == .string("fp32"))
    #expect(document["activations"] == .string("int8"))
    let results = document["results"]?.arrayValue ?? []
    #expect(results.map { $0["threads"]?.intValue } == [2, 1])
    for result in results {
      expect(
        result, numbers: Self.always + Self.languageAlone + Self.language + Self.imageAlone,
        values: Self.language + Self.image)
    }
  }

  @Test func `a language model has no figures of images`() throws {
    try workplace.copyModel("mamba2-hf")
    let document = try benchmark("model --threads 1 --activations a8 --state int8")
    #expect(document["activations"] == .string("a8"))
    #expect(document["state"] == .string("int8"))
    let result = try #require(document["results"]?.arrayValue?.first)
    expect(
      result, numbers: Self.always + Self.languageAlone, nulls: Self.imageAlone,
      values: Self.language, noValues: Self.image)
  }

  @Test(arguments: ["siglip-classifier", "dinov2-reg"])
  func `a vision encoder has no figures of text`(fixture: String) throws {
    try workplace.copyModel(fixture)
    let document = try benchmark("model --threads 1")
    let result = try #require(document["results"]?.arrayValue?.first)
    expect(
      result, numbers: Self.always + Self.imageAlone, nulls: Self.languageAlone,
      values: Self.image, noValues: Self.language)
  }

  @Test func `towers may lie apart`() throws {
    let path = Fixtures.model("cobra-linear").path
    let document = try benchmark("'\(path)' --vision '\(path)/vision' --threads 1")
    #expect(document["results"]?.arrayValue?.count == 1)
  }

  @Test func `for people there is a table without what the model does not have`() throws {
    try workplace.copyModel("mamba1-hf")
    let outcome = try Program.shell(
      "exec \"$PROGRAM\" benchmark model --threads 1,2 \(Self.brief)", in: workplace)
    outcome.expectSuccess()
    for text in ["1 thread  2 threads", "decode, tokens/s", "of bandwidth", "bandwidth, GB/s"] {
      #expect(outcome.output.contains(text), "\(outcome.output)")
    }
    for text in ["image", "\u{1B}"] { #expect(!outcome.output.contains(text)) }
  }

  @Test func `a damaged pack is found while loading`() throws {
    try workplace.copyModel("mamba1-hf")
    try Program.run("model", "-o", "out.vlmp", in: workplace).expectSuccess()
    var bytes = try workplace.bytes("out.vlmp")
    bytes[64] ^= 1
    try workplace.write(bytes, to: "out.vlmp")
    try Program.run("benchmark", "out.vlmp", in: workplace).expectFailure(77, "out.vlmp")
  }

  @Test func `a model that is not there`() throws {
    try Program.run("benchmark", "none", in: workplace).expectFailure(66, "none")
  }

  @Test(arguments: [
    ("benchmark model --threads 1 \(brief)", true), ("convert model --dry-run", true),
    ("inspect model", false),
  ])
  func `commands that run models tell of an inherited choice of OpenBLAS's loops`(
    command: String, isTold: Bool
  ) throws {
    try workplace.copyModel("mamba1-hf")
    let outcome = try Program.shell(
      "export OPENBLAS_CORETYPE=Haswell; exec \"$PROGRAM\" \(command)", in: workplace)
    outcome.expectSuccess()
    let notes = outcome.error.split(separator: "\n").filter {
      $0.hasPrefix("note: OPENBLAS_CORETYPE=Haswell is inherited; it can halve the speed")
    }
    #expect(notes.count == (isTold ? 1 : 0), "\(outcome.error)")
  }
}
