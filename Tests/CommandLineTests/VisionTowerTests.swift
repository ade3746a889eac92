import Format
import Foundation
import Testing

/// Models of two vision encoders, whose towers lie in a directory of their own.
@Suite struct VisionTowerTests {
  private static let fixture = Fixtures.model("cobra-linear")

  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try makeModel()
  }

  /// A model that reads and writes text byte by byte, and its towers.
  private func makeModel() throws {
    try workplace.copyModel("cobra-linear") { file in
      let rows = SampleTokenizer.size + 63
      file.set(.pattern("llm_backbone.llm.backbone.embedding.weight", shape: [rows, 17]))
      file.remove("llm_backbone.llm.lm_head.weight")
    }
    try workplace.write(SampleTokenizer.text, to: "model/tokenizer.json")
    try FileManager.default.copyItem(
      at: Self.fixture.appendingPathComponent("vision"), to: workplace.url("towers"))
  }

  /// The inputs of the fixture under the names of the command line.
  private func writeInputs(_ names: [String: String]) throws {
    let file = try TensorFile(reading: Self.fixture.appendingPathComponent("expected.safetensors"))
    let tensors = file.tensors.compactMap { tensor in
      names[tensor.name].map { name in
        var tensor = tensor
        tensor.name = name
        return tensor
      }
    }
    try workplace.write(TensorFile(tensors).encoded, to: "in.safetensors")
  }

  private static let inputs = [
    "pixel_values_dino": "pixel_values.0", "pixel_values_siglip": "pixel_values.1",
    "input_ids": "input_ids",
  ]

  @Test func `forward takes an image for each encoder`() throws {
    try writeInputs(Self.inputs)
    try Program.run(
      "forward", Self.fixture.path, "--vision", "towers", "--input", "in.safetensors", "-o", "out",
      in: workplace
    ).expectSuccess()
    let found = try SafetensorsFile(path: workplace.path("out"))
    let expected = try SafetensorsFile(
      path: Self.fixture.appendingPathComponent("expected.safetensors").path)
    #expect(
      found.tensors.keys.map(\.text).sorted() == ["connector_output", "logits", "vision_features"])
    for (name, tensor) in found.tensors {
      let truth = try expected.floats(of: #require(expected.tensors[name]))
      let values = try found.floats(of: tensor)
      let largest = zip(values, truth).map { abs($0 - $1) }.max() ?? 1
      // Outputs are of size 1; float32 sums in another order differ by far less than this.
      #expect(values.count == truth.count && largest < 1e-3, "\(name.text) differs by \(largest)")
    }
  }

  /// Names in the fixture and on the command line, and what is said about them.
  static let wrongInputs = [
    (["pixel_values_dino": "pixel_values"], "the model has 2 vision encoders; expected one for"),
    (["pixel_values_dino": "pixel_values.0"], "the model has 2 vision encoders; expected one for"),
    (["pixel_values_dino": "pixel_values.1"], "the list of tensors is pixel_values.1, expected"),
    (
      ["pixel_values_dino": "pixel_values", "pixel_values_siglip": "pixel_values.0"],
      "the list of tensors is pixel_values, pixel_values.0, expected"
    ),
  ]

  @Test(arguments: wrongInputs)
  func `forward refuses other images`(names: [String: String], message: String) throws {
    try writeInputs(names)
    try Program.run(
      "forward", "model", "--vision", "towers", "--input", "in.safetensors", "-o", "out",
      in: workplace
    ).expectFailure(65, message)
    #expect(!workplace.exists("out"))
  }

  @Test func `every command takes the towers of a checkpoint`() throws {
    let image = Fixtures.image("rgb.png")
    try workplace.write("The quick brown fox jumps over the lazy dog.", to: "text")
    let commands = [
      "convert model --vision towers -o out.vlmp --quantize q8 --validate-text text",
      "inspect model --vision towers",
      "generate model --vision towers --image '\(image)' --prompt Why --max-tokens 3",
      "generate out.vlmp --image '\(image)' --prompt Why --max-tokens 3",
      "evaluate model --vision towers --text text",
      "evaluate out.vlmp --against model --vision towers --text text",
      "evaluate model --against out.vlmp --vision towers --text text",
      "unpack out.vlmp -o unpacked", "inspect unpacked",
    ]
    for command in commands {
      try Program.shell("exec \"$PROGRAM\" \(command)", in: workplace).expectSuccess()
    }
  }

  @Test(arguments: [
    "convert model -o out.vlmp", "inspect model", "evaluate model --text model/config.json",
    "generate model --prompt Why",
  ])
  func `a checkpoint without its towers is refused`(command: String) throws {
    try Program.shell("exec \"$PROGRAM\" \(command)", in: workplace).expectFailure(
      66, "model has no tensors below vision_backbone.dino_featurizer.",
      "expected them there, or in a directory given with --vision")
    #expect(!workplace.exists("out.vlmp"))
  }

  @Test(arguments: [
    "inspect out.vlmp", "evaluate out.vlmp --text model/config.json",
    "generate out.vlmp --prompt Why",
  ])
  func `a pack has no use for towers`(command: String) throws {
    try Program.run("model", "--vision", "towers", "-o", "out.vlmp", in: workplace).expectSuccess()
    try Program.shell("exec \"$PROGRAM\" \(command) --vision towers", in: workplace).expectFailure(
      64, "--vision goes with a checkpoint directory, which out.vlmp is not")
  }
}
