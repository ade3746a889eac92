import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

/// Conversions whose weights are moved towards the original model's stream before they are rounded.
@Suite struct CorrectionConversionTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A Mamba model that reads bytes.
  private func checkpoint() throws -> Checkpoint {
    try directory.checkpoint("mamba1-hf-tied-bf16") {
      $0.tensors["backbone.embeddings.weight"] = .init(
        [Float].noise(257 * 20, seed: 1), shape: [257, 20])
      $0.tensors["lm_head.weight"] = nil
      $0.configure("vocab_size", 257)
      $0.files["tokenizer.json"] = SampleTokenizer.definition()
    }
  }

  /// Words in an order without a pattern.
  private func text() throws -> String {
    var noise = Noise(seed: 9)
    let words = (0..<2000).map { _ in
      ["a", "mamba", "reads", "letters", "one by one"].randomElement(using: &noise) ?? ""
    }
    return try directory.write(words.joined(separator: " "), as: "text.txt")
  }

  private func convert(
    _ checkpoint: Checkpoint, _ preset: String, on text: String?, threads: Int, as name: String
  ) throws -> PackReader {
    let plan = try ConversionPlan(
      checkpoint, recipe: Presets.named(preset), calibrating: text != nil)
    let writer = try PackWriter(
      output: directory.file(name), codec: .zstd, overwrite: true, threads: threads)
    let pipeline = ConversionPipeline(plan, threads: ThreadPool(threads: threads))
    try pipeline.write(
      to: writer, calibratedOn: text.map { CalibrationOptions(files: [$0], tokens: 4096) },
      progress: { _, _ in })
    try pipeline.seal(writer)
    try writer.publish()
    return try PackReader(path: directory.file(name))
  }

  @Test(arguments: ["q4", "q8"])
  func `bytes do not depend on the number of threads`(preset: String) throws {
    let (checkpoint, text) = (try checkpoint(), try text())
    let packs = try [1, 2].map {
      try convert(checkpoint, preset, on: text, threads: $0, as: "\($0).vlmp")
    }
    #expect(try contents(of: packs[0].path) == contents(of: packs[1].path))
  }

  @Test(arguments: ["q4", "e4"])
  func `what reads and writes the stream is corrected, and the pack says so`(
    preset: String
  ) throws {
    let pack = try convert(checkpoint(), preset, on: text(), threads: 2, as: "model.vlmp")
    for tensor in pack.header.tensors where tensor.role == "projection" {
      let correction = tensor.calibration?["correction"]?.doubleValue
      let isCorrected = [".inputProjection.weight", ".outputProjection.weight"].contains {
        tensor.name.hasSuffix($0)
      }
      #expect(correction.map { Float($0) } == (isCorrected ? Correction.strength : nil))
    }
  }

  @Test func `output projections of q4 are rotated`() throws {
    let pack = try convert(checkpoint(), "q4", on: text(), threads: 2, as: "model.vlmp")
    for tensor in pack.header.tensors where tensor.role == "projection" {
      #expect((tensor.encoding == "q4h") == tensor.name.hasSuffix(".outputProjection.weight"))
    }
  }

  @Test func `the stream comes nearer to the original's`() throws {
    let (checkpoint, text) = (try checkpoint(), try text())
    let plain = try convert(checkpoint, "q4", on: nil, threads: 2, as: "plain.vlmp")
    let fitted = try convert(checkpoint, "q4", on: text, threads: 2, as: "fitted.vlmp")
    let models = try [checkpoint.directory, plain.path, fitted.path].map {
      try #require(ModelLoader.load(path: $0, context: ExecutionContext()).language)
    }
    let ids = Array("one by one a mamba reads letters".utf8).map(SampleTokenizer.id)
    let hidden = try models.map { model in
      var state = model.initialState
      return model.run(try model.embed(ids), state: &state, ExecutionContext())
    }
    let errors = hidden[1...].map { Difference($0.values, from: hidden[0].values).norm }
    #expect(errors[1] < errors[0], "\(errors)")
  }
}
