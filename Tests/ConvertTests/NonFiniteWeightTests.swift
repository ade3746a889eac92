import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

/// Weights that are NaN, infinite or too large.
@Suite struct NonFiniteWeightTests {
  let directory: TemporaryDirectory

  static let name = "backbone.layers.2.mixer.in_proj.weight"

  init() throws { directory = try TemporaryDirectory() }

  private func checkpoint(_ value: Float, row: Int, column: Int) throws -> Checkpoint {
    try directory.checkpoint("mamba1-hf") {
      let start = (row * 24 + column) * 4
      $0.tensors[Self.name]?.bytes.replaceSubrange(start..<start + 4, with: value.bitPattern.bytes)
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity], [1, 2, 3])
  func `a weight that is not finite is refused with its place`(value: Float, threads: Int) throws {
    let checkpoint = try checkpoint(value, row: 77, column: 5)
    #expect(
      throws: ConvertError.unencodable(
        tensor: Self.name, file: checkpoint.directory + "/model.safetensors", encoding: "q8",
        reason: "the value at row 77, column 5 is not finite")
    ) { try directory.convert(checkpoint, Presets.named("q8"), threads: threads) }
  }

  @Test func `a weight that is too large is refused with its place`() throws {
    let checkpoint = try checkpoint(1e30, row: 79, column: 23)
    #expect(
      throws: ConvertError.unencodable(
        tensor: Self.name, file: checkpoint.directory + "/model.safetensors", encoding: "f16",
        reason: QuantError.scaleOutOfRange(row: 79, column: 23, value: 1e30, limit: 65504)
          .description)
    ) { try directory.convert(checkpoint, Presets.named("f16"), threads: 2) }
  }

  @Test(arguments: ["q8", "q4"])
  func `a tensor with such a weight is kept on request`(preset: String) throws {
    let checkpoint = try checkpoint(.nan, row: 3, column: 4)
    let recipe = try Presets.named(preset)
    let plan = try ConversionPlan(checkpoint, recipe: recipe, keepNonFinite: true)
    let kept = try #require(plan.entry("language.layers.2.mixer.inputProjection.weight"))
    #expect(kept.encoding.name == "f32")
    #expect(kept.reason == "holds values that are not finite")
    let other = try #require(plan.entry("language.layers.1.mixer.inputProjection.weight"))
    #expect(other.encoding.name == preset)
    let reader = try directory.convert(checkpoint, recipe, keepNonFinite: true)
    let matrix = try PackWeightSource(reader).matrix(kept.name, rows: 80, columns: 24)
    #expect(matrix.expanded().values[3 * 24 + 4].isNaN)
    #expect(matrix.expanded().values.count { $0.isNaN } == 1)
  }

  @Test func `floats keep what is not finite`() throws {
    let checkpoint = try checkpoint(.infinity, row: 3, column: 4)
    let reader = try directory.convert(checkpoint, Presets.named("bf16"))
    let matrix = try PackWeightSource(reader).matrix(
      "language.layers.2.mixer.inputProjection.weight", rows: 80, columns: 24)
    #expect(matrix.expanded().values[3 * 24 + 4] == .infinity)
  }

  @Test func `places count from the start of a tensor that is read in parts`() throws {
    let rows = 190_000
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      // 4,560,000 weights are more than are read at a time.
      var bytes = [UInt8](repeating: 0, count: rows * 24 * 4)
      bytes.replaceSubrange(
        (185_000 * 24 + 7) * 4..<(185_000 * 24 + 8) * 4, with: [0, 0, 192, 127])
      $0.tensors["backbone.embeddings.weight"] = .init(
        dataType: .f32, shape: [rows, 24], bytes: bytes)
      $0.tensors["lm_head.weight"] = nil
    }
    #expect(
      throws: ConvertError.unencodable(
        tensor: "backbone.embeddings.weight", file: checkpoint.directory + "/model.safetensors",
        encoding: "q8", reason: "the value at row 185000, column 7 is not finite")
    ) { try directory.convert(checkpoint, Presets.named("q8"), threads: 2) }
  }
}
