import Convert
import Format
import Quant
import Runtime
import TestSupport
import Testing

/// What is wrong with the tensors of a checkpoint.
@Suite struct CheckpointProblemTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func plan(_ checkpoint: Checkpoint) throws -> ConversionPlan {
    try ConversionPlan(checkpoint, recipe: .all("source"))
  }

  @Test func `all problems are reported together`() throws {
    let mixer = "backbone.layers.1.mixer."
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      $0.tensors[mixer + "D"] = nil
      $0.tensors[mixer + "x_proj.weight"]?.shape = [40, 13]
      $0.tensors["backbone.layers.0.mixer.bogus"] = .init([1, 2], shape: [2])
      $0.tensors["another"] = .init([1], shape: [])
      $0.tensors[mixer + "dt_proj.bias"]?.dataType = .i32
      $0.tensors["backbone.norm_f.weight"]?.shape = [1, 24]
    }
    #expect(
      throws: ConvertError.problems(
        [
          .misshapen(mixer + "x_proj.weight", found: [40, 13], expected: [13, 40]),
          .notFloat(mixer + "dt_proj.bias", type: "I32"),
          .missing(mixer + "D", expected: [40]),
          .misshapen("backbone.norm_f.weight", found: [1, 24], expected: [24]),
          .unused("another", shape: []),
          .unused("backbone.layers.0.mixer.bogus", shape: [2]),
        ], directory: checkpoint.directory)
    ) { try plan(checkpoint) }
  }

  @Test func `each problem says what was found and expected`() {
    let problems: [CheckpointProblem] = [
      .missing("a", expected: [2]), .misshapen("b", found: [1], expected: [2]),
      .unused("c", shape: [3]), .notFloat("d", type: "I8"),
    ]
    #expect(
      ConvertError.problems(problems, directory: "dir").description == """
        the tensors of dir do not fit its architecture:
          missing: a, expected shape [2]
          wrong shape: b is [1], expected [2]
          unused: c [3] has no place in this architecture
          wrong type: d is I8, expected F32, F16, BF16 or F64
        """)
  }

  @Test func `layers that the configuration promises are missing`() throws {
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      $0.configure("num_hidden_layers", .integer(4))
    }
    do {
      _ = try plan(checkpoint)
      Issue.record("nothing was missing")
    } catch ConvertError.problems(let problems, _) {
      #expect(problems.count == 12)
      #expect(problems.contains(.missing("backbone.layers.3.mixer.D", expected: [40])))
    }
  }

  @Test func `tensors under two spellings of one name are refused`() throws {
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      $0.tensors["module.lm_head.weight"] = $0.tensors["lm_head.weight"]
    }
    let file = checkpoint.directory + "/model.safetensors"
    #expect(
      throws: ConvertError.repeatedTensor("lm_head.weight", first: file, second: file)
    ) { try plan(checkpoint) }
  }

  @Test func `weights in double precision become singles`() throws {
    let name = "backbone.layers.0.mixer.in_proj.weight"
    var values = [Float]()
    let checkpoint = try directory.checkpoint("mamba1-hf") { sample in
      let file = try SafetensorsFile(path: Fixtures.model("mamba1-hf") + "/model.safetensors")
      values = try #require(try file.floats(name))
      sample.tensors[name]?.dataType = .f64
      sample.tensors[name]?.bytes = values.flatMap { Double($0).bitPattern.bytes }
    }
    #expect(
      try plan(checkpoint).entry("language.layers.0.mixer.inputProjection.weight")?.encoding.name
        == "f32")
    let pack = PackWeightSource(try directory.convert(checkpoint, .all("source")))
    let weights = try CheckpointWeightSource(checkpoint)
    for source in [pack as any WeightSource, weights] {
      let matrix = try source.matrix(
        "language.layers.0.mixer.inputProjection.weight", rows: 80, columns: 24)
      #expect(matrix.expanded().values == values)
    }
  }

  @Test func `a double beyond single precision is refused`() throws {
    let name = "backbone.norm_f.weight"
    let checkpoint = try directory.checkpoint("mamba1-hf") {
      $0.tensors[name]?.dataType = .f64
      $0.tensors[name]?.bytes = (0..<24).flatMap { _ in 1e300.bitPattern.bytes }
    }
    #expect(
      throws: FormatError.notRepresentable(
        file: checkpoint.directory + "/model.safetensors", tensor: name, element: 0,
        expected: "single precision")
    ) { try directory.convert(checkpoint, .all("f32")) }
  }
}
