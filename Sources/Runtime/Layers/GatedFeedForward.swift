import Quant

/// A feed-forward layer with a gate (SwiGLU): `output(silu(gate(x)) ⊙ input(x))`.
struct GatedFeedForward: Sendable {
  private let gate: Linear
  private let input: Linear
  private let output: Linear

  /// Loads `name.gate`, `name.input` and `name.output`.
  init(_ weights: some WeightSource, _ name: String, width: Int, inner: Int) throws {
    gate = try Linear(weights, name + ".gate", outputs: inner, inputs: width)
    input = try Linear(weights, name + ".input", outputs: inner, inputs: width)
    output = try Linear(weights, name + ".output", outputs: width, inputs: inner)
  }

  func callAsFunction(_ stream: Matrix, _ engine: any Engine) -> Matrix {
    output(engine.gate(input(stream, engine), by: gate(stream, engine)), engine)
  }
}
