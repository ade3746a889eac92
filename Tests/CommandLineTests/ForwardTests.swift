import Format
import Foundation
import Testing

/// `forward` on tensors.
@Suite struct ForwardTests {
  private let workplace: Workplace

  init() throws { workplace = try Workplace() }

  private func forward(_ options: String...) throws -> Program.Outcome {
    let line = ["exec \"$PROGRAM\" forward"] + options
    return try Program.shell(line.joined(separator: " "), in: workplace)
  }

  private func write(ids: [Int32]) throws {
    let tensor = TensorFile.Tensor(
      name: "input_ids", dataType: "I32", shape: [ids.count],
      bytes: ids.flatMap(\.littleEndianBytes))
    try workplace.write(TensorFile([tensor]).encoded, to: "in.safetensors")
  }

  @Test(arguments: [
    ("mamba1-hf", ["logits"]), ("siglip", ["pooled", "vision_features"]),
    ("siglip-classifier", ["logits", "vision_features"]),
    ("vlmamba-vss-l2-bsm", ["connector_output", "logits", "vision_features"]),
  ])
  func `outputs are those of the original framework`(fixture: String, outputs: [String]) throws {
    try workplace.copyModel(fixture)
    let expected = Fixtures.model(fixture).appendingPathComponent("expected.safetensors").path
    try forward("model --input '\(expected)' -o out.safetensors").expectSuccess()
    let found = try SafetensorsFile(path: workplace.path("out.safetensors"))
    let truth = try SafetensorsFile(path: expected)
    #expect(found.tensors.keys.map(\.text).sorted() == outputs)
    for (name, tensor) in found.tensors {
      let reference = try #require(truth.tensors[name])
      let values = try found.floats(of: tensor)
      let largest = zip(values, try truth.floats(of: reference)).map { abs($0 - $1) }.max() ?? 1
      #expect(values.count == reference.elementCount)
      // Outputs are of size 1; float32 sums in another order differ by far less than this.
      #expect(largest < 1e-3, "\(name.text) differs by \(largest)")
    }
  }

  @Test func `token by token gives what all at once gives`() throws {
    try workplace.copyModel("mamba1-hf")
    try write(ids: [5, 9, 2, 11])
    for option in ["", "--step-by-step"] {
      try forward(
        "model --input in.safetensors --engine reference \(option) -o 'out\(option)'"
      ).expectSuccess()
    }
    let all = try SafetensorsFile(path: workplace.path("out"))
    let single = try SafetensorsFile(path: workplace.path("out--step-by-step"))
    let name = ExactString("logits")
    let values = try all.floats(of: #require(all.tensors[name]))
    let others = try single.floats(of: #require(single.tensors[name]))
    let largest = zip(values, others).map { abs($0 - $1) }.max() ?? 1
    #expect(largest < 1e-4, "float32 sums in another order; found \(largest)")
  }

  @Test(arguments: [
    "--engine fast", "--engine reference", "--activations a8 --state int8", "--threads 1",
  ])
  func `every way to execute is accepted`(option: String) throws {
    try workplace.copyModel("mamba1-hf")
    try write(ids: [1, 2])
    try forward("model --input in.safetensors -o out.safetensors \(option)").expectSuccess()
    #expect(workplace.exists("out.safetensors"))
  }

  @Test func `an output is replaced only by force`() throws {
    try workplace.copyModel("mamba1-hf")
    try write(ids: [1])
    try workplace.write("precious", to: "out")
    try forward("model --input in.safetensors -o out")
      .expectFailure(73, "out exists already; --force replaces it")
    #expect(try workplace.bytes("out") == Array("precious".utf8))
    try forward("model --input in.safetensors -o out --force").expectSuccess()
    #expect(try SafetensorsFile(path: workplace.path("out")).tensors.count == 1)
  }

  @Test(arguments: [
    (TensorFile.Tensor.pattern("input_ids", shape: [4]), "tensor input_ids is F32"),
    (.pattern("input_ids", shape: [2, 2]), "“input_ids” has shape [2, 2]; expected [T]"),
    (
      .pattern("pixel_values", shape: [1, 3, 12, 12]),
      "“pixel_values” has shape [1, 3, 12, 12]; expected [3, H, W]"
    ),
    (.pattern("pixel_values", shape: [3, 2, 12]), "expected"),
    (.pattern("ids", shape: [2]), "the list of tensors is ids, expected input_ids"),
  ])
  func `inputs of a wrong kind or shape`(tensor: TensorFile.Tensor, message: String) throws {
    try workplace.copyModel("vlmamba-linear")
    try workplace.write(TensorFile([tensor]).encoded, to: "in.safetensors")
    try forward("model --input in.safetensors -o out").expectFailure(65, message)
    #expect(!workplace.exists("out"))
  }

  @Test(arguments: [Int32(-1), 37, .max])
  func `an id outside the vocabulary`(id: Int32) throws {
    try workplace.copyModel("mamba1-hf")
    try write(ids: [1, id])
    try forward("model --input in.safetensors -o out")
      .expectFailure(65, "token id \(id) is outside the vocabulary; expected 0 to 36")
    #expect(try workplace.names == ["in.safetensors", "model"])
  }

  @Test func `pixels for a language model`() throws {
    try workplace.copyModel("mamba1-hf")
    try workplace.write(
      TensorFile([.pattern("pixel_values", shape: [3, 12, 12])]).encoded, to: "in.safetensors")
    try forward("model --input in.safetensors -o out")
      .expectFailure(64, "the model has no vision encoder, which an image needs")
  }

  @Test func `an input that does not exist`() throws {
    try workplace.copyModel("mamba1-hf")
    try forward("model --input none -o out")
      .expectFailure(66, "cannot open none: No such file or directory")
  }

  @Test func `an output that grows beyond what the system allows`() throws {
    try workplace.copyModel("mamba1-hf")
    try write(ids: Array(0..<30))
    let outcome = try Program.shell(
      "ulimit -f 1; exec \"$PROGRAM\" forward model --input in.safetensors -o out", in: workplace)
    outcome.expectFailure(74, "writing out failed: File too large")
    #expect(try workplace.names == ["in.safetensors", "model"])
  }
}
