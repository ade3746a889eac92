import Quant

/// Two projections with an activation between them: `output(activation(input(x)))`.
struct FeedForward: Sendable {
  private let input: Linear
  private let output: Linear
  private let activation: Activation

  /// Loads `name.input` and `name.output`.
  init(
    _ weights: some WeightSource, _ name: String, inputs: Int, inner: Int, outputs: Int,
    activation: Activation
  ) throws {
    input = try Linear(weights, name + ".input", outputs: inner, inputs: inputs)
    output = try Linear(weights, name + ".output", outputs: outputs, inputs: inner)
    self.activation = activation
  }

  var matrices: [EncodedMatrix] { [input.weight, output.weight] }

  func callAsFunction(_ stream: Matrix, _ engine: any Engine) -> Matrix {
    output(engine.activate(input(stream, engine), activation), engine)
  }
}

/// A feed-forward layer with a gate (SwiGLU): `output(silu(gate(x)) ⊙ up(x))`.
struct GatedFeedForward: Sendable {
  private let gate: Linear
  private let up: Linear
  private let output: Linear

  /// Loads `name.gate`, `name.up` and `name.output`.
  init(separate weights: some WeightSource, _ name: String, width: Int, inner: Int) throws {
    gate = try Linear(weights, name + ".gate", outputs: inner, inputs: width)
    up = try Linear(weights, name + ".up", outputs: inner, inputs: width)
    output = try Linear(weights, name + ".output", outputs: width, inputs: inner)
  }

  /// Loads `name.input`, whose first `inner` rows are the gate, and `name.output`.
  init(fused weights: some WeightSource, _ name: String, width: Int, inner: Int) throws {
    let input = try Linear(weights, name + ".input", outputs: 2 * inner, inputs: width)
    gate = input.rows(0..<inner)
    up = input.rows(inner..<2 * inner)
    output = try Linear(weights, name + ".output", outputs: width, inputs: inner)
  }

  var matrices: [EncodedMatrix] { [gate.weight, up.weight, output.weight] }

  func callAsFunction(_ stream: Matrix, _ engine: any Engine) -> Matrix {
    output(engine.gate(up(stream, engine), by: gate(stream, engine)), engine)
  }
}
