import Format
import Foundation
import Testing

/// What `inspect --tensors` says about each tensor of a pack.
@Suite struct ManifestTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try workplace.makeTextModel()
    try workplace.write(SampleText.english, to: "sample.txt")
  }

  private func inspect(_ options: String...) throws -> [String: JSON] {
    let conversion = "\"$PROGRAM\" model -o out.vlmp \(options.joined(separator: " ")) >convert.txt"
    let outcome = try Program.shell(
      "\(conversion) && exec \"$PROGRAM\" inspect out.vlmp --tensors --json", in: workplace)
    outcome.expectSuccess()
    let document = try JSON(parsing: Array(outcome.output.utf8))
    return Dictionary(
      uniqueKeysWithValues: (document["tensors"]?.arrayValue ?? []).map {
        ($0["name"]?.stringValue ?? "", $0)
      })
  }

  @Test func `tiers are those that the recipe asked for`() throws {
    let tensors = try inspect("--quantize", "e3.5")
    let tiers = [
      "language.layers.1.mixer.inputProjection.weight": "e3.5",
      "language.layers.0.mixer.inputProjection.weight": "e4.4", "language.embedding.weight": "e4.2",
    ]
    for (name, tier) in tiers {
      #expect(tensors[name]?["encoding"] == .string("e"))
      #expect(tensors[name]?["tier"] == .string(tier), "\(name)")
    }
    let step = tensors["language.layers.0.mixer.timeStepProjection.weight"]
    #expect(step?["encoding"] == .string("e") && step?["tier"] == .string("e3.8"))
    let table = try Program.run("inspect", "out.vlmp", "--tensors", in: workplace)
    table.expectSuccess()
    let line = table.output.split(separator: "\n")
      .first { $0.hasPrefix("language.layers.1.mixer.inputProjection.weight") }
    #expect(line?.contains(" e3.5 ") == true)
    #expect(table.output.split(separator: "\n").contains { $0.hasPrefix("  e3.5  ") })
  }

  @Test(arguments: ["q4", "e4", "f16"])
  func `entropies are those of the bytes`(setting: String) throws {
    let tensors = try inspect("--quantize", setting)
    let pack = try PackReader(path: workplace.path("out.vlmp"))
    for tensor in pack.header.tensors {
      let found = try #require(tensors[tensor.name])
      let planes = try #require(found["planes"]?.arrayValue)
      for (plane, figures) in zip(tensor.planes, planes) {
        let bytes = try pack.plane(plane, of: tensor.name)
        let expected = entropy(of: bytes, width: plane.transform.width)
        let value = try #require(figures["entropy_bytes"]?.doubleValue)
        // Sums of logarithms in another order.
        #expect(abs(value - expected) <= 1e-9 * Double(bytes.count), "\(tensor.name) \(plane.name)")
        #expect(figures["stored_bytes"]?.intValue == pack.storedBytes(of: plane))
      }
      let weights = Double(tensor.rows * tensor.columns)
      let first = entropy(
        of: try pack.plane(tensor.planes[0], of: tensor.name),
        width: tensor.planes[0].transform.width)
      #expect(abs((found["code_entropy"]?.doubleValue ?? -1) - first * 8 / weights) < 1e-6)
    }
  }

  /// The definition, byte by byte: bits of each byte by the share of its like at the same place of an element.
  private func entropy(of bytes: [UInt8], width: Int) -> Double {
    (0..<width).reduce(0) { sum, lane in
      let column = stride(from: lane, to: bytes.count, by: width).map { bytes[$0] }
      let shares = Dictionary(grouping: column) { $0 }
        .mapValues { Double($0.count) / Double(column.count) }
      return column.reduce(sum) { $0 - log2(shares[$1] ?? 1) / 8 }
    }
  }

  @Test func `calibration stands in table and document`() throws {
    let tensors = try inspect(
      "--quantize", "q4", "--calibrate", "sample.txt", "--calibration-tokens", "256")
    let record = tensors["language.layers.0.mixer.inputProjection.weight"]?["calibration"]
    #expect(record?["method"] == .string("feedback"))
    #expect(record?["outputSNR"]?.doubleValue != nil)
    let table = try Program.run("inspect", "out.vlmp", "--tensors", in: workplace)
    let title = table.output.split(separator: "\n").first { $0.hasPrefix("tensor ") } ?? ""
    for column in ["bits/weight", "entropy", "method", "tokens", "damping", "outputs, dB"] {
      #expect(title.contains(column), "\(title)")
    }
  }

  @Test func `a plane that takes more than its entropy is named`() throws {
    try Program.run(
      "model", "-o", "out.vlmp", "--quantize", "f32", "--codec", "stored", in: workplace
    ).expectSuccess()
    // 320 rows of 24 floats are less than the 64 KiB from which on planes are judged.
    let small = try Program.run("inspect", "out.vlmp", "--tensors", in: workplace)
    #expect(!small.output.contains("order-0"))
    try workplace.makeTextModel(as: "large", rows: SampleTokenizer.size + 63)
    var file = try TensorFile(reading: workplace.url("large/model.safetensors"))
    file.set(.pattern("backbone.embeddings.weight", shape: [1600, 24]))
    file.set(.pattern("lm_head.weight", shape: [1600, 24], seed: 2))
    try workplace.write(file.encoded, to: "large/model.safetensors")
    try workplace.remove("large/tokenizer.json")
    try workplace.configure("large", ["vocab_size": .integer(1600)])
    try Program.run(
      "large", "-o", "large.vlmp", "--quantize", "f32", "--codec", "stored", in: workplace
    ).expectSuccess()
    let large = try Program.run("inspect", "large.vlmp", "--tensors", in: workplace)
    #expect(large.output.contains("language.embedding.weight: "))
    #expect(large.output.contains(" % more than their order-0 entropy\n"))
  }
}
